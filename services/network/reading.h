/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One reading of network-config: the value that grows, its places, its faults. Inner header. */
#include "proto/messages.h"
#include "services/network/netconfig.h"

struct hpl_net_reading {
	struct hpl_net_config *config;
	const struct hpl_entry *entries[HPL_NET_IFS]; /* of config->ifs */
	struct hpl_faults *faults;
	struct hpl_err *err;
	struct hpl_fault dropped; /* takes what is beyond the limit of faults */
	bool dangling;            /* a VLAN or bond names no interface, so one may seem to be unused */
	bool broken;              /* no memory; err is set */
};

/* The sections by kind: "ethernets", "bonds", "vlans". */
extern const char *const hpl_net_sections[3];

/* Adds a fault at key of the interface (index), "" for itself. Never NULL; the caller may set cure,
 * fix and fix_text of what is returned. */
struct hpl_fault *hpl_net_fault(struct hpl_net_reading *r, enum hpl_msg msg, size_t index,
	const char *key, struct hpl_pos pos, const char *fmt, ...) HPL_PRINTF(6, 7);
void hpl_net_cure(struct hpl_fault *f, const char *fmt, ...) HPL_PRINTF(2, 3);
void hpl_net_fix(struct hpl_fault *f, enum hpl_fix fix, const char *fmt, ...) HPL_PRINTF(3, 4);
/* The member of an interface's mapping, NULL: absent. */
const struct hpl_entry *hpl_net_member(const struct hpl_node *map, const char *key);
/* Index of the interface whose key is id, -1: none. */
int hpl_net_find(const struct hpl_net_config *c, const char *id);

/* networds.c: a fault of the schema gets the id of network-config, and is told by the value that was
 * found where that says more: nothing in network-config is secret. */
void hpl_net_words(struct hpl_fault *f, const struct hpl_node *root);
/* netrules.c: what a schema cannot say. */
void hpl_net_rules(struct hpl_net_reading *r);
/* netnotes.c: what goes beyond the runtime that is replaced, and what is not acted on. */
void hpl_net_notes(struct hpl_net_reading *r, const struct hpl_node *root);
