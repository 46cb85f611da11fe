/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which disk belongs to which volume. Pure: names in, indices out.
 *
 * A volume's disk is the one whose
 *   1. serial or UUID is volumeID, when the contract gives one (a serial of 20 characters, the
 *      most that virtio carries, also matches the longer id that begins with it);
 *   2. else serial or label is volumeName, when given;
 *   3. else serial or label is the volume's key in the contract.
 * When exactly one volume without a volumeID is left and exactly one disk that is blank or ours
 * (LUKS, or metadata and data partitions), these two belong together, once the set of devices has
 * settled; but a blank one is not taken while another disk cannot be used and may be the volume's own (it holds
 * something else, is too small now, or is excluded and has the name), and while one cannot be read more is waited
 * for. Two disks for one volume, two volumes for one disk, or several disks left: refused
 * with HPL07018E and the candidates' names. Never a guess.
 */
#include "services/storage/disk.h"

enum { HPL_MATCH_WAIT = 1 };
#define HPL_MATCH_NONE SIZE_MAX

struct hpl_want {
	const char *name;         /* key in the contract */
	const char *volume_id;    /* NULL or "": not given */
	const char *volume_name;
};

/**
 * hpl_match() - disks for volumes
 * @ret: count indices into disks; on HPL_MATCH_WAIT those not found are HPL_MATCH_NONE
 * @settled: the set of devices did not change for a while, so the last rule may be used
 *
 * Return: 0 all found; HPL_MATCH_WAIT some are missing; -1 ambiguous, *err names the candidates.
 */
int hpl_match(size_t *ret, const struct hpl_want *wants, size_t count, const struct hpl_disk *disks,
	size_t disk_count, bool settled, struct hpl_err *err);
