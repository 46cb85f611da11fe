/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tests/guest.h"

struct hpl_disk disks[HPL_DISK_MAX];
size_t disk_count;
const struct hpl_disk_paths paths = {"/sys/class/block", "/dev", "/proc/self/mountinfo"};

static int number, failures;

void ok(int good, const char *what, const struct hpl_err *err)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	if (!good) {
		failures++;
		if (err)
			printf("# %s %s %s\n", hpl_msg_info(err->msg)->id, err->text, err->place);
	}
	fflush(stdout);
}

struct hpl_disk *disk_named(const char *serial)
{
	struct hpl_err err = HPL_ERR_NULL;

	disk_count = 0;
	if (hpl_disk_scan(disks, &disk_count, &paths, &err) < 0)
		printf("# scan: %s\n", err.text);
	for (size_t i = 0; i < disk_count; i++)
		if (hpl_streq(disks[i].serial, serial))
			return &disks[i];
	printf("# no disk with serial %s\n", serial);
	return NULL;
}

int finish(void)
{
	printf("1..%d\n", number);
	fflush(stdout);
	return failures ? 1 : 0;
}
