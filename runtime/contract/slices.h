/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The slices of a contract as bus messages. Pure: a contract in, a message out.
 *
 * Messages borrow names and values from the contract and live in a struct hpl_slice, which owns
 * the arrays and the JSON texts; hpl_slice_done() wipes and frees them. The contract must have
 * been validated, except for the two logging slices, which look for themselves.
 */
#include "proto/events.pb-c.h"
#include "schema/contract.h"
#include "schema/key_sources.h"

struct hpl_slice_piece;
struct hpl_slice {
	struct hpl_slice_piece *pieces;
};
#define HPL_SLICE_NULL ((struct hpl_slice){0})
void hpl_slice_done(struct hpl_slice *s);
#define _cleanup_slice_ HPL_CLEANUP(hpl_slice_done)

/* KIND NONE and no host when the contract has no logging or it is not usable. */
int hpl_slice_logging(struct hpl_slice *s, const struct hpl_contract *c, Hpl__LoggingSlice *ret,
	Hpl__LogTarget *ret_target, struct hpl_err *err);
/* Workload wins over env for the same registry. */
int hpl_slice_registry(struct hpl_slice *s, const struct hpl_contract *c, Hpl__RegistrySlice *ret,
	struct hpl_err *err);
/* Key from the decrypted contract, the signed strings from the one that was delivered. */
void hpl_slice_signing(const struct hpl_contract *decrypted, const struct hpl_contract *delivered,
	Hpl__SigningSlice *ret);
void hpl_slice_attestation(const struct hpl_contract *c, Hpl__AttestationSlice *ret);
int hpl_slice_volumes(struct hpl_slice *s, const struct hpl_contract *c, Hpl__VolumesSlice *ret,
	struct hpl_err *err);
/* provider and provider_s where the volume asks for a third seed. */
int hpl_slice_seeds(struct hpl_slice *s, const struct hpl_contract *c, Hpl__SeedsSlice *ret,
	struct hpl_err *err);
/* The volumes that ask for a key of this source, each with the keys of env.volumes.NAME that are the
 * provider's, as JSON. */
int hpl_slice_key_requests(struct hpl_slice *s, const struct hpl_contract *c,
	const struct hpl_key_source *source, Hpl__KeyRequests *ret, struct hpl_err *err);
/* Environment: env's overlaid by workload's, sorted by name; pods as JSON. */
int hpl_slice_workload(struct hpl_slice *s, const struct hpl_contract *c, Hpl__WorkloadSlice *ret,
	struct hpl_err *err);
/* Around the same workload message. */
int hpl_slice_images(struct hpl_slice *s, const struct hpl_contract *c, Hpl__WorkloadSlice *workload,
	Hpl__ImagesSlice *ret, struct hpl_err *err);
