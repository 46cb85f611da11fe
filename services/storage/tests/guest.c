/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tests/guest.h"

#include "runtime/base/proc.h"

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

char *disk_check(const char *what, const struct hpl_volume *v)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	char numbers[4][24];
	const char *const argv[] = {"/bin/guest-disk-check", what, v->mount, v->device, v->mapping, v->uuid,
		v->cipher, numbers[0], numbers[1], numbers[2], numbers[3], NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 120000, .out = &out};
	int status = -1;

	snprintf(numbers[0], sizeof(numbers[0]), "%u", v->key_bits);
	snprintf(numbers[1], sizeof(numbers[1]), "%llu", (unsigned long long)v->data_offset);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", v->sector_size);
	snprintf(numbers[3], sizeof(numbers[3]), "%u", v->key_slots);
	if (hpl_proc_run(&p, &status, NULL) < 0 || !out.data)
		return NULL;
	return TAKE(out.data);
}
