/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partition plan and table, LUKS2 header and its check on a file, for machines of other byte order
 * and without Criterion. Prints TAP; the file name of the argument (default: a temporary one)
 * stays behind when it is given, so that another machine's tools may look at it.
 */
#include <fcntl.h>
#include <stdio.h>

#include "services/storage/blank.h"
#include "services/storage/layout.h"
#include "services/storage/luks.h"

#define MIB (1ULL << 20)

static int number, failures;
static struct hpl_err err;

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	if (!good) {
		printf("# %s\n", err.text);
		failures++;
	}
	err = HPL_ERR_NULL;
}

static void test_layout(const char *path)
{
	static const uint8_t gpt[8] = "EFI PART";
	struct hpl_layout l = {0};
	uint8_t sector[512];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	ok(fd >= 0 && ftruncate(fd, 200 * MIB) == 0, "a file of 200 MiB");
	ok(hpl_blank_check(fd, 0, 200 * MIB, NULL, &err) == 0, "is blank");
	ok(hpl_layout_plan(&l, 200 * MIB, 512, &err) == 0 && l.start[1] == 101 * MIB &&
			l.size[1] == 98 * MIB, "the plan");
	ok(hpl_layout_write(fd, path, &l, &err) == 0, "the table is written");
	/* the numbers on the disk are little-endian whatever the machine is */
	ok(pread(fd, sector, 512, 512) == 512 && memcmp(sector, gpt, 8) == 0 && sector[24] == 1 &&
			sector[72] == 2, "the header's numbers are little-endian");
	ok(pread(fd, sector, 512, 1024) == 512 && sector[33] == 0x08 && sector[32 + 128] == 0 &&
			sector[33 + 128] == 0x28 && sector[34 + 128] == 0x03,
		"the partitions start at sectors 2048 and 206848");
	ok(hpl_blank_check(fd, 0, 200 * MIB, NULL, &err) == HPL_NOT_BLANK, "is no longer blank");
	close(fd);
}

static void test_luks(const char *path)
{
	struct hpl_secret pass = HPL_SECRET_NULL, wrong = HPL_SECRET_NULL;
	struct hpl_luks l = HPL_LUKS_NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	ok(fd >= 0 && ftruncate(fd, 48 * MIB) == 0, "a file of 48 MiB");
	ok(hpl_secret_copy(&pass, "0123456789abcdef", 16, &err) == 0 &&
			hpl_secret_copy(&wrong, "fedcba9876543210", 16, &err) == 0, "two passphrases");
	l.memory_kb = 1024;
	ok(hpl_luks_init(&l, path, 48 * MIB, &err) == 0 && hpl_luks_make(&l, "data", &pass, &err) == 0,
		"a LUKS2 header is made");
	hpl_luks_done(&l);
	ok(hpl_luks_init(&l, path, 48 * MIB, &err) == 0 && hpl_luks_load(&l, &err) == 0 &&
			l.area.header.keyslots == 1 && l.area.header.sector_size == 4096 && !l.area.torn,
		"it passes the check");
	/* the record lies in the data area of this file, which nothing else uses */
	l.record_fd = fd;
	l.record_at = 40 * MIB;
	ok(hpl_luks_unlock(&l, &wrong, NULL, &err) < 0, "another passphrase does not open it");
	ok(hpl_luks_unlock(&l, &pass, NULL, &err) == 0 &&
			hpl_luks_seal(&l, HPL_RECORD_READY, &err) == 0, "the passphrase does, its MAC is kept");
	ok(hpl_record_read(&l.record, fd, 40 * MIB, &err) == 0 && l.record.has_mac &&
			l.record.state == HPL_RECORD_READY, "and found again");
	hpl_luks_done(&l);
	close(fd);
	hpl_secret_done(&pass);
	hpl_secret_done(&wrong);
}

int main(int argc, char **argv)
{
	char path[64] = "/tmp/hpl-portable-XXXXXX";
	int fd = argc > 1 ? -1 : mkstemp(path);
	const char *file = argc > 1 ? argv[1] : path;

	if (fd >= 0)
		close(fd);
	test_layout(file);
	test_luks(file);
	if (argc <= 1)
		unlink(path);
	printf("1..%d\n", number);
	return failures ? 1 : 0;
}
