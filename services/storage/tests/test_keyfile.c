/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyfile in the metadata partition. mke2fs, debugfs and e2fsck are the oracles. What libext2fs writes and
 * flushes is recorded here (pwrite and fsync of this program come before libc's), and every state that
 * a power cut may leave is opened.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/base/key_limits.h"
#include "services/storage/keyfile.h"
#include "services/storage/keyfile_fs.h"
#include "services/storage/tests/files.h"

enum { SIZE = 8 << 20, RECORDS = 1024, SECTOR = 512, CUTS = 240 };

static char path[64];
static int fd = -1;

/* ---- the record ---- */

static struct entry {
	bool flush;
	off_t at;
	size_t len;
	uint8_t *data;
} entries[RECORDS];
static size_t count;
static bool recording;

/* libext2fs calls these */
ssize_t pwrite(int to, const void *data, size_t len, off_t at)
{
	if (recording) {
		struct entry *e = &entries[count++];

		cr_assert_lt(count, RECORDS);
		*e = (struct entry){.at = at, .len = len, .data = malloc(len)};
		memcpy(e->data, data, len);
	}
	return syscall(SYS_pwrite64, to, data, len, at);
}

int fsync(int which)
{
	if (recording)
		entries[count++].flush = true;
	return (int)syscall(SYS_fsync, which);
}

static void forget(void)
{
	while (count > 0)
		free(entries[--count].data);
	memset(entries, 0, sizeof entries);
}

/* ---- the file ---- */

static void setup(void)
{
	fd = make_disk(path, SIZE);
	cr_assert_eq(RUN(NULL, "/sbin/mkfs.ext4", "-q", "-F", "-b", "4096", "-L", "metadata", path), 0);
}

static void teardown(void)
{
	forget();
	close(fd);
	unlink(path);
}

TestSuite(keyfile, .init = setup, .fini = teardown, .timeout = 100);

static void is(const void *data, size_t len)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_keyfile_fs_read(&got, fd, 0, &err), 0, "%s", err.text);
	cr_assert_eq(got.len, len);
	cr_assert_eq(memcmp(got.data, data, len), 0);
}

static void write_it(const void *data, size_t len)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_keyfile_fs_write(fd, data, len, &err), 0, "%s", err.text);
}

static int fsck(void)
{
	return RUN(NULL, "/sbin/fsck.ext4", "-f", "-n", path);
}

static void debugfs(const char *command)
{
	cr_assert_eq(RUN(NULL, "/sbin/debugfs", "-w", "-R", command, path), 0);
}

static void refused(const char *why)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_keyfile_fs_write(fd, "x", 1, &err), -1);
	cr_assert(strstr(err.text, why), "%s", err.text);
}

Test(keyfile, is_not_there_at_first)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;

	cr_assert_eq(hpl_keyfile_fs_read(&got, fd, 0, NULL), HPL_KEYFILE_NONE);
	debugfs("write /dev/null keyfile");
	cr_assert_eq(hpl_keyfile_fs_read(&got, fd, 0, NULL), HPL_KEYFILE_NONE, "an empty one is none");
	cr_assert_eq(got.len, 0);
}

Test(keyfile, what_was_written_is_read_here_and_by_debugfs)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	write_it("wrapped", 7);
	is("wrapped", 7);
	RUN(&out, "/sbin/debugfs", "-R", "cat keyfile", path);
	cr_assert(strstr(out.data, "wrapped"), "%s", out.data);
	cr_assert_eq(fsck(), 0);
}

Test(keyfile, what_debugfs_wrote_is_read)
{
	char name[] = "/tmp/hpl-blob-XXXXXX", command[64];
	int from = mkstemp(name);

	cr_assert_eq(write(from, "{\"ciphertext\":\"AAAA\"}", 21), 21);
	snprintf(command, sizeof command, "write %s keyfile", name);
	debugfs(command);
	is("{\"ciphertext\":\"AAAA\"}", 21);
	close(from);
	unlink(name);
}

Test(keyfile, is_replaced_again_and_again_without_filling_the_disk)
{
	static uint8_t blob[HPL_KEY_BLOB_MAX];

	for (int i = 0; i < 500; i++) {
		memset(blob, i, sizeof blob);
		write_it(blob, sizeof blob - (size_t)(i % 3) * 5000);
	}
	is(blob, sizeof blob - (size_t)(499 % 3) * 5000);
	cr_assert_eq(fsck(), 0);
}

Test(keyfile, the_same_bytes_are_not_written_again)
{
	write_it("same", 4);
	recording = true;
	write_it("same", 4);
	recording = false;
	for (size_t i = 0; i < count; i++)
		cr_assert(entries[i].flush);
}

Test(keyfile, sizes_outside_the_limits_are_refused)
{
	static uint8_t blob[HPL_KEY_BLOB_MAX + 1];
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_keyfile_fs_write(fd, blob, 0, &err), -1);
	cr_assert_eq(hpl_keyfile_fs_write(fd, blob, sizeof blob, &err), -1);
	write_it(blob, sizeof blob - 1);
	debugfs("sif keyfile size 16385");
	cr_assert_eq(hpl_keyfile_fs_read(&got, fd, 0, &err), -1);
	cr_assert(strstr(err.text, "16385 bytes"), "%s", err.text);
}

Test(keyfile, a_directory_or_a_link_of_that_name_is_refused)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;

	debugfs("mkdir keyfile");
	cr_assert_eq(hpl_keyfile_fs_read(&got, fd, 0, NULL), -1);
	refused("no regular file");
	debugfs("rmdir keyfile");
	debugfs("symlink keyfile lost+found");
	cr_assert_eq(hpl_keyfile_fs_read(&got, fd, 0, NULL), -1);
	refused("no regular file");
}

Test(keyfile, a_full_metadata_partition_is_refused_and_the_old_file_stays)
{
	static uint8_t other[HPL_KEY_BLOB_MAX];
	char name[] = "/tmp/hpl-blob-XXXXXX", command[64];
	int from = mkstemp(name);
	struct hpl_err err = HPL_ERR_NULL;

	write_it("old", 3);
	cr_assert_eq(ftruncate(from, SIZE), 0);
	for (off_t at = 0; at < SIZE; at += 4096) /* holes would take no room */
		cr_assert_eq(pwrite(from, "x", 1, at), 1);
	snprintf(command, sizeof command, "write %s ballast", name);
	debugfs(command);
	memset(other, 'n', sizeof other);
	cr_assert_eq(hpl_keyfile_fs_write(fd, other, sizeof other, &err), -1);
	cr_assert(strstr(err.text, "writing it"), "%s", err.text);
	is("old", 3);
	close(from);
	unlink(name);
}

/* ---- power cuts ---- */

static uint8_t *image_of(void)
{
	uint8_t *image = malloc(SIZE);

	cr_assert_eq(pread(fd, image, SIZE, 0), SIZE);
	return image;
}

/* Each sector of an unflushed write may be there or not. */
static void some_of(const struct entry *e, unsigned *seed)
{
	int all = rand_r(seed) % 3;

	for (size_t at = 0; at < e->len; at += SECTOR)
		if (all == 1 || (all == 2 && rand_r(seed) % 2))
			put(fd, (uint64_t)e->at + at, e->data + at, SECTOR);
}

/* The disk before, all up to the flush, and some of what comes behind it. */
static void cut(const uint8_t *before, size_t flush, unsigned seed)
{
	put(fd, 0, before, SIZE);
	for (size_t i = 0; i < flush; i++)
		if (!entries[i].flush)
			put(fd, (uint64_t)entries[i].at, entries[i].data, entries[i].len);
	for (size_t i = flush; i < count && !(i > flush && entries[i].flush); i++)
		if (!entries[i].flush)
			some_of(&entries[i], &seed);
}

static bool holds(const char *text)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	int r = hpl_keyfile_fs_read(&got, fd, 0, NULL);

	if (!text[0])
		return r == HPL_KEYFILE_NONE;
	return r == 0 && got.len == strlen(text) && memcmp(got.data, text, got.len) == 0;
}

/* Old or new after each cut; and the next boot can write. */
static void all_cuts(const char *old, const char *new)
{
	const struct hpl_keyfile_tool tool = {HPL_KEYFILE_PROGRAM, "/sbin"};
	uint8_t *before = image_of();
	size_t flushes = 0, olds = 0, news = 0;

	recording = true;
	write_it(new, strlen(new));
	recording = false;
	for (size_t i = 0; i < count; i++)
		flushes += entries[i].flush;
	cr_assert_geq(flushes, 3, "the file, its name, the rest");
	for (unsigned n = 0; n < CUTS; n++) {
		struct hpl_err err = HPL_ERR_NULL;
		size_t at = n % (flushes + 1), flush = 0;

		for (size_t seen = 0; seen < at; flush++)
			seen += entries[flush].flush;
		cut(before, flush, n);
		olds += holds(old);
		news += holds(new);
		cr_assert(holds(old) || holds(new), "cut %u behind flush %zu: neither is there", n, at);
		if (n % 8)
			continue;
		if (n % 16) { /* as an owner may outside; without it, as the next boot finds it */
			RUN(NULL, "/sbin/fsck.ext4", "-f", "-y", path);
			cr_assert(holds(old) || holds(new), "cut %u: e2fsck has lost it", n);
		}
		cr_assert_eq(hpl_keyfile_put(&tool, path, "next", 4, &err), 0, "cut %u: %s", n, err.text);
		is("next", 4);
		if (n % 16) {
			cr_assert_eq(fsck(), 0, "cut %u", n);
			continue;
		}
		RUN(NULL, "/sbin/fsck.ext4", "-f", "-y", path);
		is("next", 4);
	}
	cr_assert(olds > 10 && news > 10, "%zu old, %zu new", olds, news);
	free(before);
}

Test(keyfile, a_power_cut_leaves_none_or_the_first_one)
{
	all_cuts("", "first");
}

Test(keyfile, a_power_cut_leaves_the_old_one_or_the_new_one)
{
	write_it("old", 3);
	all_cuts("old", "new");
}

/* ---- the program and those who run it ---- */

static struct hpl_disk disk_with(enum hpl_disk_kind kind, uint64_t start)
{
	struct hpl_disk d = {.kind = kind, .part_count = 2, .parts = {{.start = start, .size = SIZE}}};

	snprintf(d.path, sizeof d.path, "%s", path);
	return d;
}

Test(keyfile, is_found_behind_the_start_of_its_partition)
{
	const struct hpl_keyfile_tool tool = {HPL_KEYFILE_PROGRAM, "/sbin"};
	struct hpl_disk d = disk_with(HPL_DISK_PARTITIONS, 1 << 20);
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	uint8_t *image;

	write_it("wrapped", 7);
	image = image_of();
	put(fd, 1 << 20, image, SIZE);
	memset(image, 0, SIZE);
	put(fd, 0, image, 1 << 20);
	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, NULL), 0);
	cr_assert_eq(got.len, 7);
	free(image);
}

Test(keyfile, of_a_metadata_partition_that_is_no_ext4_is_HPL07008E_but_not_while_it_is_made)
{
	const struct hpl_keyfile_tool tool = {HPL_KEYFILE_PROGRAM, "/sbin"};
	struct hpl_disk d = disk_with(HPL_DISK_PARTITIONS, 0);
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	put(fd, 1024, "\0\0\0\0", 4); /* the count of inodes */
	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED);
	cr_assert(strstr(err.cure, "e2fsck"), "%s", err.cure);
	cr_assert_eq(hpl_keyfile_put(&tool, path, "x", 1, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_WRITE_TO_META_PARTITION_ERROR);
	d.kind = HPL_DISK_MAKING;
	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, &err), 0);
	cr_assert_eq(got.len, 0);
}

Test(keyfile, of_partitions_made_by_hand_that_hold_nothing_is_none)
{
	const struct hpl_keyfile_tool tool = {HPL_KEYFILE_PROGRAM, "/sbin"};
	struct hpl_disk d = disk_with(HPL_DISK_PARTITIONS, 0);
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(ftruncate(fd, SIZE), 0);
	d.data_blank = true;
	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, &err), 0, "%s", err.text);
	cr_assert_eq(got.len, 0);
	d.data_blank = false;
	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, &err), -1);
	cr_assert(strstr(err.text, "holds no ext4"), "%s", err.text);
}

Test(keyfile, program_that_is_killed_is_named)
{
	const struct hpl_keyfile_tool tool = {"/bin/false", "/sbin"};
	struct hpl_disk d = disk_with(HPL_DISK_PARTITIONS, 0);
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, &err), -1);
	cr_assert(strstr(err.text, "/bin/false ended with 1 without a word"), "%s", err.text);
}

/* The number, in hexadecimal, that /proc says of a process. */
static unsigned long status_of(pid_t pid, const char *name)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char file[64];
	const char *at;

	snprintf(file, sizeof file, "/proc/%d/status", (int)pid);
	cr_assert_eq(hpl_file_read(&text, file, 65536, &err), 0, "%s", err.text);
	at = memmem(text.data, text.len, name, strlen(name));
	cr_assert_not_null(at, "%s", name);
	return strtoul(at + strlen(name), NULL, 16);
}

Test(keyfile, program_holds_nothing_while_it_works)
{
#ifdef __SANITIZE_ADDRESS__
	const unsigned long filter = 0; /* keyfile_main.c says why */
#else
	const unsigned long filter = 2; /* SECCOMP_MODE_FILTER */
#endif
	int in[2], status = 0;
	pid_t pid;

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		execl(HPL_KEYFILE_PROGRAM, HPL_KEYFILE_PROGRAM, "put", path, NULL);
		_exit(99);
	}
	close(in[0]);
	while (status_of(pid, "CapPrm:\t") || status_of(pid, "Seccomp:\t") != filter) /* as long as the suite may take */
		usleep(2000);
	cr_assert_eq(status_of(pid, "CapEff:\t") | status_of(pid, "CapInh:\t"), 0);
	cr_assert_eq(write(in[1], "wrapped", 7), 7);
	close(in[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	is("wrapped", 7);
}

Test(keyfile, that_may_be_in_a_journal_is_not_taken_for_none)
{
	const struct hpl_keyfile_tool tool = {HPL_KEYFILE_PROGRAM, "/sbin"};
	struct hpl_disk d = disk_with(HPL_DISK_PARTITIONS, 0);
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	debugfs("feature needs_recovery");
	cr_assert_eq(hpl_keyfile_get(&got, &tool, &d, &err), -1);
	cr_assert(strstr(err.text, "journal"), "%s", err.text);
	cr_assert_eq(hpl_keyfile_put(&tool, path, "x", 1, &err), 0, "e2fsck replays it: %s", err.text);
	is("x", 1);
}

/* The host can write anything: an answer or a refusal, in time, and the process is not hurt. */
Test(keyfile, of_a_forged_filesystem_ends_well)
{
	uint8_t *image;
	unsigned seed = 7, refusals = 0;

	write_it("wrapped", 7);
	image = image_of();
	for (int n = 0; n < 200; n++) {
		uint8_t bytes[8];
		char zero[] = "0";
		int status;

		put(fd, 0, image, 4 << 20);
		for (int k = 0; k < 1 + n % 4; k++) { /* superblock, descriptors, inode table, directory */
			uint64_t at = (uint64_t)(rand_r(&seed) % 3 ? 1024 + rand_r(&seed) % 1024 :
				rand_r(&seed) % (1 << 20));

			for (size_t b = 0; b < sizeof bytes; b++)
				bytes[b] = (uint8_t)(rand_r(&seed) % 4 ? rand_r(&seed) : 0xff);
			put(fd, at, bytes, 1 + (size_t)rand_r(&seed) % sizeof bytes);
		}
		status = RUN(NULL, HPL_KEYFILE_PROGRAM, "get", path, zero);
		cr_assert(status == 0 || (status >= HPL_KEYFILE_NONE && status <= HPL_KEYFILE_FAILED),
			"forgery %d: status %d", n, status);
		refusals += status == HPL_KEYFILE_FAILED || status == HPL_KEYFILE_NO_FS;
	}
	cr_assert_gt(refusals, 20);
	free(image);
}
