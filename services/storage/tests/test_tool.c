/* SPDX-License-Identifier: Apache-2.0 */
/* What se-disk-encryption needs beside the volume itself: lock, mounts, plan; and wrong calls. */
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/layout.h"
#include "services/storage/plan.h"
#include "services/storage/record.h"
#include "services/storage/tests/files.h"
#include "services/storage/tool/lock.h"
#include "services/storage/tool/mounted.h"

#define MIB (1ULL << 20)

static char base[64];
static struct hpl_err err;

static void begin(void)
{
	strcpy(base, "/tmp/hpl-disk-tool-XXXXXX");
	cr_assert_not_null(mkdtemp(base));
}

static void finish(void)
{
	cr_expect_eq(RUN(NULL, "/bin/rm", "-rf", base), 0);
}

TestSuite(storage_tool, .init = begin, .fini = finish);

static const char *in_base(const char *rel)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", base, rel);
	return path;
}

static void put_file(const char *rel, const char *text)
{
	char dir[256];

	snprintf(dir, sizeof(dir), "%s", in_base(rel));
	*strrchr(dir, '/') = 0;
	cr_assert_eq(hpl_mkdir_p(dir, 0700, NULL), 0);
	cr_assert_eq(hpl_file_write(in_base(rel), text, strlen(text), 0600, NULL), 0);
}

Test(storage_tool, a_second_process_does_not_get_the_lock_and_is_told_who_has_it)
{
	char pid[32], dir[256];
	int status = -1, fd;
	pid_t child;

	snprintf(dir, sizeof(dir), "%s", in_base("lock"));
	fd = hpl_disk_lock(dir, 254, 16, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	child = fork();
	if (child == 0)
		_exit(hpl_disk_lock(dir, 254, 16, &err) == -1 && err.msg == HPL_MSG_LUKS_ALREADY_IN_USE &&
				strstr(err.text, pid) && hpl_disk_lock(dir, 254, 32, NULL) >= 0 ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	close(fd);
	fd = hpl_disk_lock(dir, 254, 16, &err); /* it ends with its descriptor */
	cr_expect_geq(fd, 0, "%s", err.text);
	close(fd);
}

Test(storage_tool, a_link_in_the_place_of_a_lock_is_not_followed)
{
	put_file("target", "keep");
	cr_assert_eq(hpl_mkdir_p(in_base("lock"), 0700, NULL), 0);
	cr_assert_eq(symlink("../target", in_base("lock/8:0")), 0);
	cr_expect_eq(hpl_disk_lock(in_base("lock"), 8, 0, &err), -1);
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	cr_assert_eq(hpl_file_read(&b, in_base("target"), 64, NULL), 0);
	cr_expect_str_eq(b.data, "keep");
}

Test(storage_tool, the_mount_of_a_disk_is_found_through_its_partition)
{
	struct hpl_mounted m;
	char sys[256], mounts[256];

	put_file("sys/vdb/vdb2/holders/dm-3", "");
	put_file("sys/dm-3/dm/name", "luks-1\n");
	put_file("sys/vdc/holders/dm-4", "");
	put_file("sys/dm-4/dm/name", "luks-2\n");
	put_file("mounts", "/dev/mapper/luks-1 /mnt/with\\040blank ext4 rw 0 0\n"
		"/dev/mapper/luks-1 /mnt/data ext4 rw 0 0\n/dev/mapper/luks-9 /mnt/nine xfs rw 0 0\n");
	snprintf(sys, sizeof(sys), "%s", in_base("sys"));
	snprintf(mounts, sizeof(mounts), "%s", in_base("mounts"));
	cr_assert_eq(hpl_mounted_of(&m, "vdb", "/mnt/data", sys, mounts, &err), 0);
	cr_expect_str_eq(m.mapping, "luks-1");
	cr_expect_str_eq(m.mount, "/mnt/data");
	cr_assert_eq(hpl_mounted_of(&m, "vdb", "/mnt/other", sys, mounts, &err), 0);
	cr_expect_str_eq(m.mount, "/mnt/with blank");
	cr_assert_eq(hpl_mounted_of(&m, "vdc", "/mnt/data", sys, mounts, &err), 0);
	cr_expect_str_eq(m.mapping, "", "open, but not mounted");
	cr_assert_eq(hpl_mounted_of(&m, "vdd", "/mnt/nine", sys, mounts, &err), 0);
	cr_expect_str_eq(m.mapping, "");
}

/* A disk as hpl_disk_look() leaves it, with a file in the place of its node. */
static int disk_file(struct hpl_disk *d, uint64_t size)
{
	int fd;

	*d = (struct hpl_disk){.name = "vdb", .size = size};
	snprintf(d->path, sizeof(d->path), "%.60s/vdb", base);
	fd = open(d->path, O_RDWR | O_CREAT, 0600);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	hpl_disk_classify(d, fd);
	return fd;
}

static struct hpl_volume volume_of(const struct hpl_disk *d)
{
	return (struct hpl_volume){.name = "data", .mount = "/mnt/data", .filesystem = "ext4", .disk = *d,
		.mkfs_dir = "/sbin", .root = "/", .memory_kb = 32768};
}

static const char *said(const struct hpl_plan *p, const char *what)
{
	for (size_t i = 0; i < p->count; i++)
		if (hpl_streq(p->steps[i].what, what))
			return p->steps[i].text;
	return "";
}

Test(storage_tool, the_plan_of_a_blank_disk_names_sizes_and_costs)
{
	struct hpl_plan p;
	struct hpl_disk d;
	int fd = disk_file(&d, 256 * MIB);
	struct hpl_volume v = volume_of(&d);

	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_expect(strstr(said(&p, "table"), "(256 MiB): GPT with metadata (100 MiB) and data (154 MiB)"), "%s",
		said(&p, "table"));
	cr_expect(strstr(said(&p, "luks"), "aes-xts-plain64, key of 512 bits"), "%s", said(&p, "luks"));
	cr_expect(strstr(said(&p, "luks"), "4 passes over 32768 KiB"), "%s", said(&p, "luks"));
	cr_expect_str_eq(said(&p, "mount"), "mount it at /mnt/data (nodev, nosuid)");
	cr_expect_str_eq(said(&p, "open"), "");
	close(fd);
}

Test(storage_tool, the_plan_of_a_volume_tells_whether_a_passphrase_opens_it)
{
	static const char text[] = "opens it";
	_cleanup_secret_ struct hpl_secret good = HPL_SECRET_NULL, bad = HPL_SECRET_NULL;
	struct hpl_plan p;
	struct hpl_disk d;
	int fd = disk_file(&d, 256 * MIB);

	cr_assert_eq(run_program(NULL, (const char *const[]){"/sbin/cryptsetup", "luksFormat", "-q", "--type",
		"luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file=-", d.path, NULL}, text), 0);
	hpl_disk_classify(&d, fd);
	cr_assert_eq(d.kind, HPL_DISK_LUKS);
	struct hpl_volume v = volume_of(&d);
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_expect(strstr(said(&p, "open"), "1 key slot,"), "%s", said(&p, "open"));
	cr_expect_str_eq(said(&p, "luks"), "", "nothing is made");
	cr_assert_eq(hpl_secret_copy(&good, text, strlen(text), NULL), 0);
	cr_assert_eq(hpl_secret_copy(&bad, "another", 7, NULL), 0);
	v.passphrase = &good;
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_expect(strstr(p.steps[1].text, "opens key slot 0"), "%s", p.steps[1].text);
	v.passphrase = &bad;
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	const struct hpl_secrets before = {{good}, 1}; /* borrowed */
	v.previous = &before;
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_expect(strstr(said(&p, "change"), "(slot 0)"), "%s", said(&p, "change"));
	close(fd);
}

Test(storage_tool, the_plan_refuses_what_the_boot_refuses)
{
	struct hpl_plan p;
	struct hpl_disk d;
	int fd = disk_file(&d, 256 * MIB);

	cr_assert_eq(pwrite(fd, "x", 1, 4096), 1);
	hpl_disk_classify(&d, fd);
	struct hpl_volume v = volume_of(&d);
	cr_expect_eq(hpl_plan(&p, &v, fd, 512, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_DEVICE_NOT_BLANK);
	cr_expect(strstr(err.cure, "volumeID"), "%s", err.cure);
	close(fd);
}

/* The record of an interrupted making survives programs that clear partition tables. */
Test(storage_tool, the_plan_leaves_a_table_that_somebody_made_where_a_volume_was_begun)
{
	struct hpl_record record = {.state = HPL_RECORD_MAKING};
	struct hpl_plan p;
	struct hpl_disk d;
	int fd = disk_file(&d, 256 * MIB);

	cr_assert_eq(hpl_record_write(&record, fd, hpl_record_place(HPL_LAYOUT_START), &err), 0, "%s", err.text);
	hpl_disk_classify(&d, fd);
	struct hpl_volume v = volume_of(&d);
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "-n", "1:1M:+60M", "-c", "1:spare", "-n", "2:100M:0", "-c", "2:mine", d.path), 0);
	d.part_count = 2;
	d.parts[0] = (struct hpl_disk_part){.start = MIB, .size = 60 * MIB};
	d.parts[1] = (struct hpl_disk_part){.start = 100 * MIB, .size = 155 * MIB};
	hpl_disk_classify(&d, fd);
	cr_assert_eq(d.kind, HPL_DISK_MAKING, "%s", d.why);
	v = volume_of(&d);
	cr_expect_eq(hpl_plan(&p, &v, fd, 512, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, "%s", err.text);
	cr_expect(strstr(err.text, "another partition table"), "%s", err.text);
	close(fd);
}

/* The header stands in a file of its own here: the plan takes partitions by their paths. */
Test(storage_tool, the_plan_of_an_interrupted_making_goes_on_with_its_key_slot)
{
	static const char text[] = "of the making";
	_cleanup_secret_ struct hpl_secret good = HPL_SECRET_NULL, bad = HPL_SECRET_NULL;
	struct hpl_record record = {.state = HPL_RECORD_MAKING};
	struct hpl_layout l;
	struct hpl_plan p;
	struct hpl_disk d;
	int fd = disk_file(&d, 256 * MIB), data;

	cr_assert_eq(hpl_layout_plan(&l, d.size, 512, &err), 0);
	cr_assert_eq(hpl_layout_write(fd, d.path, &l, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_record_write(&record, fd, hpl_record_place(l.start[0]), &err), 0, "%s", err.text);
	d.part_count = 2;
	for (int i = 0; i < 2; i++) {
		d.parts[i] = (struct hpl_disk_part){.start = l.start[i], .size = l.size[i]};
		snprintf(d.parts[i].path, sizeof(d.parts[i].path), "%.60s/vdb%d", base, i + 1);
	}
	hpl_disk_classify(&d, fd);
	cr_assert_eq(d.kind, HPL_DISK_MAKING, "%s", d.why);
	data = open(d.parts[1].path, O_RDWR | O_CREAT, 0600);
	cr_assert_eq(ftruncate(data, (off_t)d.parts[1].size), 0);
	struct hpl_volume v = volume_of(&d);
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_expect(strstr(said(&p, "luks"), "argon2id"), "it did not come as far as a header");
	cr_assert_eq(run_program(NULL, (const char *const[]){"/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks2",
		"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file=-", d.parts[1].path, NULL},
		text), 0);
	cr_assert_eq(hpl_secret_copy(&good, text, strlen(text), NULL), 0);
	cr_assert_eq(hpl_secret_copy(&bad, "another", 7, NULL), 0);
	v.passphrase = &good;
	cr_assert_eq(hpl_plan(&p, &v, fd, 512, &err), 0, "%s", err.text);
	cr_expect_str_eq(said(&p, "luks"), "", "the header is kept");
	cr_expect(strstr(p.steps[3].text, "opens key slot 0"), "%s", p.steps[3].text);
	v.passphrase = &bad;
	cr_expect_eq(hpl_plan(&p, &v, fd, 512, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	close(data);
	close(fd);
}

/* ---- the program ---- */

static struct hpl_buf said_by; /* of the last call, both streams */

static int call_with(const char *input, const char *const *args)
{
	const char *argv[12] = {HPL_DISK_TOOL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 20000, .out = &said_by, .errout = &said_by,
		.out_limit = 8192, .input = input, .input_len = input ? strlen(input) : 0};
	int status = -1;

	for (size_t i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	hpl_buf_clear(&said_by);
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	return status;
}

static int call(const char *const *args) { return call_with(NULL, args); }
#define CALL_WITH(input, ...) call_with((input), (const char *const[]){__VA_ARGS__, NULL})

static void expect_said(const char *text)
{
	cr_expect(said_by.data && strstr(said_by.data, text), "'%s' is not in: %s", text,
		said_by.data ? said_by.data : "");
}

/* ---- and on loop devices, where the machine has them ---- */

static char loop[64];
static bool had_lock_dir;

/* The program has one folder of locks for the whole machine, and leaves them there: who removes a lock takes
 * it from another one. Nobody else has this disk. */
static void forget_lock(void)
{
	char path[64];
	struct stat st;

	cr_assert_eq(stat(loop, &st), 0);
	snprintf(path, sizeof(path), HPL_DISK_LOCK_DIR "/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	(void)unlink(path);
	cr_expect(access(path, F_OK) < 0);
	if (!had_lock_dir)
		(void)rmdir(HPL_DISK_LOCK_DIR); /* not empty: somebody else came */
}

static void loop_begin(void)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	int fd;

	begin();
	had_lock_dir = access(HPL_DISK_LOCK_DIR, F_OK) == 0;
	fd = open(in_base("image"), O_RDWR | O_CREAT, 0600);
	cr_assert_eq(ftruncate(fd, 256 * MIB), 0);
	close(fd);
	loop[0] = 0;
	if (geteuid() == 0 && access("/sbin/losetup", X_OK) == 0 &&
		RUN(&out, "/sbin/losetup", "--find", "--show", "--partscan", in_base("image")) == 0)
		snprintf(loop, sizeof(loop), "%.*s", (int)strcspn(out.data, "\n"), out.data);
}

static void loop_finish(void)
{
	if (loop[0]) {
		forget_lock();
		cr_expect_eq(RUN(NULL, "/sbin/losetup", "--detach", loop), 0);
	}
	finish();
}

TestSuite(storage_tool_loop, .init = loop_begin, .fini = loop_finish);

#define NEEDS_LOOP() do { if (!loop[0]) cr_skip_test("no loop device for this user"); } while (0)

static blkcnt_t image_blocks(void)
{
	struct stat st;

	cr_assert_eq(stat(in_base("image"), &st), 0);
	return st.st_blocks;
}

Test(storage_tool_loop, a_dry_run_writes_nothing_and_its_json_is_json)
{
	NEEDS_LOOP();
	cr_assert_eq(image_blocks(), 0);
	cr_assert_eq(CALL_WITH("secret\n", "--device", loop, "--mount", "/mnt/x", "--dry-run", "--format", "json",
		"--passphrase-file", "-"), 0);
	sync();
	cr_expect_eq(image_blocks(), 0, "not one block of the sparse file was written");
	expect_said("\"text\": \"partition /dev/loop");
	put_file("out.json", said_by.data);
	cr_expect_eq(RUN(NULL, "/usr/bin/python3", "-m", "json.tool", in_base("out.json")), 0);
}

Test(storage_tool_loop, a_disk_is_one_disk_by_any_name_and_its_lock_tells_who_has_it)
{
	char pid[32];
	struct stat st;
	int fd;

	NEEDS_LOOP();
	cr_assert_eq(symlink(loop, in_base("by-name")), 0);
	cr_assert_eq(stat(loop, &st), 0);
	fd = hpl_disk_lock(HPL_DISK_LOCK_DIR, major(st.st_rdev), minor(st.st_rdev), &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	cr_expect_eq(CALL_WITH("secret\n", "--device", in_base("by-name"), "--mount", "/mnt/x", "--passphrase-file",
		"-"), 1);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	expect_said("HPL02123E");
	expect_said(pid);
	close(fd);
	cr_expect_eq(CALL_WITH(NULL, "--device", in_base("by-name"), "--mount", "/mnt/x", "--dry-run"), 0);
	cr_expect_eq(image_blocks(), 0);
}

Test(storage_tool_loop, a_partition_a_file_and_a_disk_with_data_are_refused_with_a_cure)
{
	char part[80];

	NEEDS_LOOP();
	cr_expect_eq(CALL_WITH(NULL, "--device", in_base("image"), "--mount", "/mnt/x", "--dry-run"), 1);
	expect_said("no block device");
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "-n", "1:0:0", loop), 0);
	cr_expect_eq(CALL_WITH("s", "--device", loop, "--mount", "/mnt/x", "--passphrase-file", "-"), 1);
	expect_said("HPL07006E");
	snprintf(part, sizeof(part), "%sp1", loop);
	(void)RUN(NULL, "/sbin/partprobe", loop);
	if (access(part, F_OK) == 0) {
		cr_expect_eq(CALL_WITH(NULL, "--device", part, "--mount", "/mnt/x", "--dry-run"), 1);
		expect_said("cure: name the whole disk");
	}
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "--zap-all", loop), 0);
	cr_assert_eq(RUN(NULL, "/sbin/mkfs.ext4", "-q", "-F", loop), 0);
	cr_expect_eq(CALL_WITH("s", "--device", loop, "--mount", "/mnt/x", "--passphrase-file", "-"), 1);
	expect_said("HPL07020E");
	expect_said("it holds ext4");
	expect_said("volumeID");
}

Test(storage_tool_loop, of_a_passphrase_one_line_end_is_dropped_and_nothing_else)
{
	NEEDS_LOOP();
	cr_assert_eq(run_program(NULL, (const char *const[]){"/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks2",
		"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file=-", in_base("image"), NULL},
		"a\nb"), 0);
	cr_expect_eq(CALL_WITH("a\nb\n", "--device", loop, "--mount", "/mnt/x", "--dry-run", "--passphrase-file",
		"-"), 0);
	expect_said("opens key slot 0");
	cr_expect_eq(CALL_WITH("a\nb", "--device", loop, "--mount", "/mnt/x", "--dry-run", "--passphrase-file",
		"/dev/fd/0"), 0);
	cr_expect_eq(CALL_WITH("a\nb\n\n", "--device", loop, "--mount", "/mnt/x", "--dry-run", "--passphrase-file",
		"-"), 1);
	expect_said("HPL02003E");
	cr_expect_eq(CALL_WITH("a", "--device", loop, "--mount", "/mnt/x", "--dry-run", "--passphrase-file", "-"), 1);
	cr_expect_eq(CALL_WITH("\n", "--device", loop, "--mount", "/mnt/x", "--dry-run", "--passphrase-file", "-"), 2);
}

Test(storage_tool, wrong_calls_end_with_2)
{
	static const char *const calls[][8] = {
		{NULL}, {"--device", "/dev/null"}, {"--device", "/dev/null", "--mount", "/mnt/x"},
		{"--device", "/dev/null", "--mount", "/mnt/x", "--previous-passphrase-file", "a", "--dry-run"},
		{"--device", "/dev/null", "--mount", "/mnt/x", "--passphrase-file", "/nonexistent"},
		{"--device", "/dev/null", "--mount", "/mnt/x", "--dry-run", "--filesystem", "vfat"},
		{"--device", "/dev/null", "--mount", "/mnt/x", "--dry-run", "--label", ""},
		{"--passphrase", "secret"},
	};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(calls); i++)
		cr_expect_eq(call(calls[i]), 2, "call %zu", i);
	cr_expect_eq(call((const char *const[]){"--help", NULL}), 0);
}
