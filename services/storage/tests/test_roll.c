/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of seeds on a disk that forgets: the power goes at each flush of the change and at each flush of
 * the boot behind it; and a disk says that it wrote what it did not (a loop device, whose file is changed below it).
 * fdatasync of this program comes before libc's.
 */
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/tests/luks_on.h"

/* USED: both copies of the header and two key slots, which is all that a change writes to */
enum { SIZE = 20 << 20, USED = 1 << 20, RECORD_AT = 4096, RECORD = 16 << 10, FLUSHES = 40, AREAS = 32 << 10 };

static char device[64], record_path[64];
static int device_fd = -1, record_fd = -1;
static struct hpl_secret was, is;
static struct hpl_secrets before;

/* ---- the disk at a flush ---- */

struct state {
	uint8_t device[USED], record[RECORD];
};
static struct state *states;
static size_t flushes;
static void (*at_flush)(void);

int fdatasync(int fd)
{
	int r = (int)syscall(SYS_fdatasync, fd);

	if (at_flush)
		at_flush();
	return r;
}

static void take(struct state *s)
{
	cr_assert_eq(pread(device_fd, s->device, USED, 0), USED);
	cr_assert_eq(pread(record_fd, s->record, RECORD, 0), RECORD);
}

static void give(const struct state *s)
{
	put(device_fd, 0, s->device, USED);
	put(record_fd, 0, s->record, RECORD);
}

static void remember(void)
{
	cr_assert_lt(flushes, FLUSHES);
	take(&states[flushes++]);
}

/* ---- boots ---- */

static struct hpl_luks on(const char *path, uint64_t at)
{
	return luks_on(path, SIZE, 32, record_fd, at);
}

static int boot(const char *path, uint64_t at, const struct hpl_secret *p, const struct hpl_secrets *previous,
	struct hpl_err *err)
{
	_cleanup_luks_ struct hpl_luks l = on(path, at);

	*err = HPL_ERR_NULL;
	if (hpl_luks_load(&l, err) != 0 || hpl_luks_unlock(&l, p, previous, err) < 0)
		return -1;
	return hpl_luks_seal(&l, HPL_RECORD_READY, err);
}

static void make(const char *path)
{
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_luks_ struct hpl_luks l = on(path, 0);

	cr_assert_eq(hpl_luks_make(&l, "data", &was, &err), 0, "%s", err.text);
}

static void setup(void)
{
	device_fd = make_disk(device, SIZE);
	record_fd = make_disk(record_path, 1 << 20);
	cr_assert_eq(hpl_secret_copy(&was, "old seeds", 9, NULL), 0);
	cr_assert_eq(hpl_secret_copy(&is, "new seeds", 9, NULL), 0);
	cr_assert_eq(hpl_secrets_add(&before, "old seeds", 9, NULL), 0);
}

static void teardown(void)
{
	at_flush = NULL;
	hpl_secret_done(&was);
	hpl_secret_done(&is);
	hpl_secrets_done(&before);
	unlink(device);
	unlink(record_path);
	close(device_fd);
	close(record_fd);
	free(states);
}

TestSuite(storage_roll, .init = setup, .fini = teardown, .timeout = 240);

/* Boots with the change, and remembers the disk at each flush; how many there were */
static size_t roll(struct state *at)
{
	struct hpl_err err;

	states = at;
	flushes = 0;
	at_flush = remember;
	cr_assert_eq(boot(device, RECORD_AT, &is, &before, &err), 0, "%s", err.text);
	at_flush = NULL;
	return flushes;
}

Test(storage_roll, the_power_goes_in_the_change_and_again_in_the_next_boot)
{
	struct state *first = calloc(FLUSHES, sizeof(*first)), *second = calloc(FLUSHES, sizeof(*second));
	struct hpl_err err;
	size_t n, m, cuts = 0;

	make(device);
	cr_assert_eq(boot(device, RECORD_AT, &was, NULL, &err), 0, "%s", err.text);
	n = roll(first);
	cr_assert_gt(n, 6, "record, slot, two copies, record, and the same for the old slot");
	for (size_t i = 0; i < n; i++) {
		give(&first[i]);
		m = roll(second);
		for (size_t k = 0; k < m; k++, cuts++) {
			give(&second[k]);
			cr_assert_eq(boot(device, RECORD_AT, &is, &before, &err), 0, "cut %zu, then %zu: %s", i, k, err.text);
			cr_assert_eq(boot(device, RECORD_AT, &is, NULL, &err), 0, "cut %zu, then %zu: %s", i, k, err.text);
			cr_assert_eq(boot(device, RECORD_AT, &was, NULL, &err), -1, "the old seeds are gone");
		}
	}
	cr_assert_gt(cuts, 30);
	states = NULL;
	free(first);
	free(second);
}

/* ---- a disk that loses a write ---- */

static char loop[64];
static uint8_t *old_areas;

static void flush_loop(void)
{
	int fd = open(loop, O_RDONLY | O_CLOEXEC);

	syscall(SYS_fsync, fd);
	close(fd);
}

/* Puts back what stood where the new key slot was written, below the page cache of the device */
static void lose(void)
{
	uint8_t *now = malloc(USED - AREAS);

	flush_loop();
	cr_assert_eq(pread(device_fd, now, USED - AREAS, AREAS), USED - AREAS);
	if (memcmp(now, old_areas, USED - AREAS) != 0) {
		at_flush = NULL;
		put(device_fd, AREAS, old_areas, USED - AREAS);
		syscall(SYS_fsync, device_fd);
	}
	free(now);
}

/* What the page cache holds of the device is forgotten, as by a boot */
static void forget(void)
{
	int fd = open(loop, O_RDONLY | O_CLOEXEC);

	cr_assert_eq(ioctl(fd, BLKFLSBUF, 0), 0);
	close(fd);
}

Test(storage_roll, a_lost_write_of_the_new_key_slot_leaves_the_old_one)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err;

	if (geteuid() != 0 || access("/sbin/losetup", X_OK) < 0 ||
		RUN(&out, "/sbin/losetup", "--find", "--show", device) != 0)
		cr_skip_test("no loop device for this user");
	snprintf(loop, sizeof(loop), "%.*s", (int)strcspn(out.data, "\n"), out.data);
	make(loop);
	forget();
	old_areas = malloc(USED - AREAS);
	cr_assert_eq(pread(device_fd, old_areas, USED - AREAS, AREAS), USED - AREAS);
	at_flush = lose;
	cr_expect_eq(boot(loop, 0, &is, &before, &err), -1, "the change was not proved");
	cr_expect_eq(err.msg, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, "%s", err.text);
	cr_expect(!at_flush, "nothing was lost");
	at_flush = NULL;
	forget();
	cr_expect_eq(boot(loop, 0, &was, NULL, &err), 0, "the old seeds open it: %s", err.text);
	cr_expect_eq(boot(loop, 0, &is, &before, &err), 0, "and the change is made: %s", err.text);
	cr_expect_eq(boot(loop, 0, &is, NULL, &err), 0, "%s", err.text);
	free(old_areas);
	RUN(NULL, "/sbin/losetup", "--detach", loop);
}
