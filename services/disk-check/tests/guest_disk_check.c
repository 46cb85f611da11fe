/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-disk-check MOUNT DEVICE MAPPING: the check of a mounted volume inside a guest. Prints one line
 * "checked DEVICE SLOTS" or "refused ID: why"; status 0 or 1.
 */
#include <stdio.h>

#include "proto/messages.h"
#include "services/disk-check/check.h"

int main(int argc, char **argv)
{
	static const struct hpl_check_paths paths = {"/proc/self/mountinfo", "/sys/dev/block"};
	struct hpl_check_target t = {0};
	struct hpl_check_result r;
	struct hpl_err err = HPL_ERR_NULL;

	if (argc != 4)
		return 2;
	t = (struct hpl_check_target){argv[1], argv[2], argv[3]};
	if (hpl_check_mount(&r, &t, &paths, &err) < 0) {
		printf("refused %s: %s\n", hpl_msg_info(err.msg)->id, err.text);
		return 1;
	}
	printf("checked %s %u\n", r.device, r.keyslots);
	return 0;
}
