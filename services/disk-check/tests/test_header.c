/* SPDX-License-Identifier: Apache-2.0 */
/* Headers as cryptsetup makes them, read by the short-lived program and by its library. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/disk-check/header_read.h"

enum { COPY = 16 << 10, SIZE = 32 << 20 };

static char path[] = "/tmp/hpl-header-XXXXXX";
static int fd = -1;

static const char uuid[] = "0f7c1d2e-8a3b-4c5d-9e6f-0123456789ab";

static void run(const char *const *argv, const char *input)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .input = input, .input_len = strlen(input), .timeout_ms = 60000,
		.out = &out};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0, "%s", out.data ? out.data : "");
}

static void setup(void)
{
	const char *const format[] = {"/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf",
		"pbkdf2", "--pbkdf-force-iterations", "1000", "--uuid", uuid, "--key-size", "512", "--cipher",
		"aes-xts-plain64", "--sector-size", "4096", "--key-file=-", path, NULL};

	fd = mkstemp(path);
	cr_assert(fd >= 0 && ftruncate(fd, SIZE) == 0);
	run(format, "a key of this test");
}

static void end(void)
{
	close(fd);
	unlink(path);
}

TestSuite(disk_check_header, .init = setup, .fini = end, .timeout = 90);

static void expect_good(unsigned keyslots)
{
	struct hpl_luks_header h = {0};
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_luks_header_read(&h, fd, &err), 0, "%s", err.text);
	cr_expect_str_eq(h.uuid, uuid);
	cr_expect_str_eq(h.cipher, "aes-xts-plain64");
	cr_expect(h.keyslots == keyslots && h.key_bytes == 64 && h.offset == 16 << 20 && h.sector_size == 4096,
		"%u %u %llu %u", h.keyslots, h.key_bytes, (unsigned long long)h.offset, h.sector_size);
}

static void expect_refused(const char *why)
{
	struct hpl_luks_header h;
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_luks_header_read(&h, fd, &err), -1, "accepted: %s", why);
	cr_expect_eq(err.msg, HPL_MSG_DISKCHECK_HEADER_CHANGED);
	cr_expect(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
}

static void spoil(off_t at)
{
	char byte;

	cr_assert_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
}

Test(disk_check_header, a_header_is_read)
{
	expect_good(1);
}

Test(disk_check_header, key_slots_are_counted)
{
	const char *const add[] = {"/sbin/cryptsetup", "luksAddKey", "-q", "--pbkdf", "pbkdf2",
		"--pbkdf-force-iterations", "1000", "--key-file", NULL, path, "-", NULL};
	const char *argv[HPL_ARRAY_SIZE(add)];
	char old[] = "/tmp/hpl-key-XXXXXX";
	int key = mkstemp(old);

	cr_assert_eq(hpl_write_all(key, "a key of this test", 18, NULL), 0);
	close(key);
	memcpy(argv, add, sizeof(add));
	argv[8] = old;
	run(argv, "another key");
	unlink(old);
	expect_good(2);
}

Test(disk_check_header, either_copy_is_enough)
{
	spoil(100);
	expect_good(1);
	spoil(100);
	spoil(COPY + 5000);
	expect_good(1);
}

Test(disk_check_header, each_spoiled_byte_of_both_copies_is_seen)
{
	static const off_t at[] = {0, 5, 7, 14, 72, 100, 168, 263, 448, 4095, 4096, 4200, COPY - 1};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(at); i++) {
		spoil(at[i]);
		spoil(COPY + at[i]);
		expect_refused("no LUKS2 header");
		spoil(at[i]);
		spoil(COPY + at[i]);
	}
	expect_good(1);
}

Test(disk_check_header, zeros_random_bytes_and_a_short_disk_are_no_header)
{
	static char zeros[2 * COPY];

	cr_assert_eq(pwrite(fd, zeros, sizeof(zeros), 0), (ssize_t)sizeof(zeros));
	expect_refused("no LUKS2 header");
	memset(zeros, 0xa5, sizeof(zeros));
	cr_assert_eq(pwrite(fd, zeros, sizeof(zeros), 0), (ssize_t)sizeof(zeros));
	expect_refused("no LUKS2 header");
	cr_assert_eq(ftruncate(fd, 4096), 0);
	expect_refused("no LUKS2 header");
	cr_assert_eq(ftruncate(fd, 0), 0);
	expect_refused("no LUKS2 header");
}

Test(disk_check_header, luks1_is_no_header)
{
	const char *const format[] = {"/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks1",
		"--pbkdf-force-iterations", "1000", "--key-file=-", path, NULL};

	run(format, "a key of this test");
	expect_refused("no LUKS2 header");
}

Test(disk_check_header, a_read_that_fails_is_another_failure)
{
	struct hpl_luks_header h;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_close_ int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_expect_eq(hpl_luks_header_read(&h, folder, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "%s", err.text);
}

/* ---- the program ---- */

static int program(const char *device, const char *number, struct hpl_buf *out)
{
	const char *const argv[] = {HPL_TEST_HEADER, device, number, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000, .out = out};
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	return status;
}

Test(disk_check_header, the_program_prints_one_line)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_luks_header h;

	cr_assert_eq(program(path, "0:0", &out), HPL_HEADER_OK, "%s", out.data ? out.data : "");
	cr_expect_str_eq(out.data, "luks2 0f7c1d2e-8a3b-4c5d-9e6f-0123456789ab aes-xts-plain64 1 64 16777216 4096\n");
	cr_assert_eq(hpl_luks_header_parse(&h, out.data, NULL), 0);
	cr_expect(h.keyslots == 1 && h.key_bytes == 64 && h.offset == 16777216 && h.sector_size == 4096);
}

Test(disk_check_header, the_program_says_why_not)
{
	_cleanup_buf_ struct hpl_buf other = HPL_BUF_NULL, none = HPL_BUF_NULL, gone = HPL_BUF_NULL;

	cr_expect_eq(program(path, "254:18", &other), HPL_HEADER_NONE);
	cr_expect(strstr(other.data, "is the device 0:0 now, not 254:18"), "%s", other.data);
	cr_expect_eq(program("/tmp/hpl-no-such-device", "0:0", &gone), HPL_HEADER_UNREADABLE);
	cr_expect(strstr(gone.data, "cannot open"), "%s", gone.data);
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_expect_eq(program(path, "0:0", &none), HPL_HEADER_NONE);
	cr_expect_str_eq(none.data, "there is no LUKS2 header on it\n");
}

Test(disk_check_header, other_lines_are_no_answer)
{
	static const char *const wrong[] = {"", "luks2", "luks1 u c 1 64 1 512\n", "luks2 u c 1 64 1 512",
		"luks2 u c 1 64 1 512\nmore\n", "luks2 u c 1 64 1\n", "luks2 u c x 64 1 512\n"};
	struct hpl_luks_header h;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(wrong); i++)
		cr_expect_eq(hpl_luks_header_parse(&h, wrong[i], NULL), -1, "%s", wrong[i]);
	cr_expect_eq(hpl_luks_header_parse(&h, NULL, NULL), -1);
	cr_expect_eq(hpl_luks_header_parse(&h, "luks2 u c 1 64 1 512\n", NULL), 0);
}
