/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tests/guest_victim.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/luks.h"
#include "services/storage/match.h"
#include "services/storage/tests/guest.h"

enum { RECONNECT_MS = 10000 };

struct hpl_secret pass;
const char known_text[] = "what was written must be read again\n";
bool uncached;

static void bail(const char *what, const char *detail)
{
	printf("Bail out! %s: %s\n", what, detail);
	fflush(stdout);
	exit(2);
}

/* ---- reads that nothing remembers ---- */

static void forget(int fd)
{
	int saved = errno;
	struct stat st;

	if (uncached && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode))
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	errno = saved;
}

/* In place of the C library's, for this program and the libraries it uses. Other names, since the headers
 * declare the originals inline. */
#define FORGETTING_READ(name, symbol)                                                              \
	ssize_t name(int fd, void *buf, size_t len) __asm__(symbol);                               \
	ssize_t name(int fd, void *buf, size_t len)                                                \
	{                                                                                          \
		ssize_t n = syscall(SYS_read, fd, buf, len);                                       \
		forget(fd);                                                                        \
		return n;                                                                          \
	}
#define FORGETTING_PREAD(name, symbol)                                                             \
	ssize_t name(int fd, void *buf, size_t len, off_t at) __asm__(symbol);                     \
	ssize_t name(int fd, void *buf, size_t len, off_t at)                                      \
	{                                                                                          \
		ssize_t n = syscall(SYS_pread64, fd, buf, len, at);                                \
		forget(fd);                                                                        \
		return n;                                                                          \
	}
FORGETTING_READ(forgetting_read, "read")
FORGETTING_READ(forgetting_read_chk, "__read_chk")
FORGETTING_PREAD(forgetting_pread, "pread")
FORGETTING_PREAD(forgetting_pread64, "pread64")
FORGETTING_PREAD(forgetting_pread_chk, "__pread_chk")
FORGETTING_PREAD(forgetting_pread64_chk, "__pread64_chk")

/* ---- the server ---- */

static int control_fd(void)
{
	static int fd = -1;

	if (fd < 0) {
		const struct hpl_disk *d = disk_named("control");

		fd = d ? open(d->path, O_RDWR | O_DIRECT | O_CLOEXEC) : -1;
		if (fd < 0)
			bail("the control disk", strerror(errno));
	}
	return fd;
}

const char *ask(const char *fmt, ...)
{
	static char block[4096] __attribute__((aligned(4096)));
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	memset(block, 0, sizeof(block));
	memcpy(block, command, strlen(command));
	if (pwrite(control_fd(), block, sizeof(block), 0) != sizeof(block) ||
		pread(control_fd(), block, sizeof(block), 0) != sizeof(block))
		bail(command, strerror(errno));
	if (strncmp(block, "error", 5) == 0)
		bail(command, block);
	return block;
}

struct counts count(uint64_t from, uint64_t to)
{
	struct counts c = {0};
	const char *answer = ask("victim stat %llu %llu", (unsigned long long)from, (unsigned long long)to);

	if (sscanf(answer, "%u %u %u %u %u %u %u", &c.reads, &c.writes, &c.flushes, &c.hits, &c.inside, &c.twice,
			&c.unread) != 7)
		bail("stat", answer);
	return c;
}

struct counts count_all(void)
{
	return count(0, VICTIM_SIZE);
}

/* ---- the disk ---- */

static const char *victim_path(void)
{
	static char path[HPL_DISK_TEXT];

	if (!path[0]) {
		const struct hpl_disk *d = disk_named("victim");

		if (!d)
			bail("victim", "there is no such disk");
		snprintf(path, sizeof(path), "%s", d->path);
	}
	return path;
}

void drop_cache(const char *path, bool partitions)
{
	uint64_t end = hpl_mono_us() + RECONNECT_MS * 1000ULL;
	bool done = false;

	while (!done) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		char c;

		/* a connection that was lost comes back at one of the next requests */
		done = fd >= 0 && ioctl(fd, BLKFLSBUF) == 0 && pread(fd, &c, 1, 0) == 1 &&
			(!partitions || ioctl(fd, BLKRRPART) == 0);
		if (!done && hpl_mono_us() > end)
			bail(path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

void victim_is(const char *name)
{
	static char last[32];
	const char *path = victim_path();

	have_volume(name);
	bool same = hpl_streq(last, name) && count_all().writes == 0;

	/* what the kernel still holds goes to the old contents */
	ask("victim clear");
	drop_cache(path, false);
	if (!same) {
		ask("victim load %s", name);
		drop_cache(path, true);
	}
	ask("victim load %s", name); /* the counts */
	snprintf(last, sizeof(last), "%s", name);
}

void victim_saved_as(const char *name)
{
	drop_cache(victim_path(), false);
	ask("victim save %s", name);
}

void victim_read(uint64_t at, void *out, size_t len)
{
	int fd = open(victim_path(), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, BLKFLSBUF) < 0 || pread(fd, out, len, (off_t)at) != (ssize_t)len)
		bail("reading the victim", strerror(errno));
	close(fd);
}

void victim_write(uint64_t at, const void *data, size_t len)
{
	int fd = open(victim_path(), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, len, (off_t)at) != (ssize_t)len || fsync(fd) < 0 ||
		ioctl(fd, BLKFLSBUF) < 0)
		bail("writing the victim", strerror(errno));
	close(fd);
}

/* ---- one boot ---- */

struct hpl_disk *find_disk(const char *id, const char *name, struct hpl_err *err)
{
	const struct hpl_want want = {.name = name, .volume_id = id};
	size_t got = HPL_MATCH_NONE;

	disk_count = 0;
	if (hpl_disk_scan(disks, &disk_count, &paths, err) < 0 ||
		hpl_match(&got, &want, 1, disks, disk_count, true, err) != 0 || got == HPL_MATCH_NONE)
		return NULL;
	return &disks[got];
}

int boot_volume(struct hpl_volume *v, const char *id, struct hpl_err *err)
{
	const struct hpl_disk *d = find_disk(id, "data", err);

	*v = (struct hpl_volume){.name = "data", .mount = "/mnt/data", .filesystem = "ext4",
		.passphrase = &pass, .mkfs_dir = "/sbin", .root = "/", .memory_kb = KDF_KB};
	if (!d)
		return -1;
	v->disk = *d;
	return hpl_volume_bring_up(v, err);
}

void end_boot(struct hpl_volume *v)
{
	char path[128];

	while (umount("/mnt/data") == 0)
		;
	if (errno == EBUSY)
		bail("umount", "busy");
	snprintf(path, sizeof(path), "/dev/mapper/%s", v->mapping);
	if (v->mapping[0] && access(path, F_OK) == 0 && crypt_deactivate(NULL, v->mapping) < 0)
		bail(v->mapping, "cannot be closed");
}

/* ---- device-mapper ---- */

/* linux/dm-ioctl.h: a header, then targets, each with its parameters as text */
static bool dm_call(unsigned long request, const char *name, uint32_t flags, void *buf, uint32_t size)
{
	struct dm_ioctl *dm = buf;
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), r;

	memset(buf, 0, size);
	dm->version[0] = 4;
	dm->data_size = size;
	dm->data_start = sizeof(*dm);
	dm->flags = flags;
	snprintf(dm->name, sizeof(dm->name), "%s", name);
	r = fd < 0 ? -1 : ioctl(fd, request, dm);
	close(fd);
	return r == 0;
}

bool mapping_table(const char *name, char *out, size_t size)
{
	static char buf[16384] __attribute__((aligned(8)));
	const struct dm_ioctl *dm = (const void *)buf;
	const struct dm_target_spec *t;

	if (!dm_call(DM_TABLE_STATUS, name, DM_STATUS_TABLE_FLAG, buf, sizeof(buf)) || dm->target_count != 1)
		return false;
	t = (const void *)(buf + dm->data_start);
	snprintf(out, size, "%llu %llu %.15s %s", (unsigned long long)t->sector_start,
		(unsigned long long)t->length, t->target_type, (const char *)(t + 1));
	return true;
}

bool any_mapping(void)
{
	static char buf[16384] __attribute__((aligned(8)));
	const struct dm_ioctl *dm = (const void *)buf;
	const struct dm_name_list *first;

	if (!dm_call(DM_LIST_DEVICES, "", 0, buf, sizeof(buf)))
		bail("device-mapper", strerror(errno));
	first = (const void *)(buf + dm->data_start);
	return dm->data_size > dm->data_start && first->dev;
}

const char *wrong_with(const struct hpl_volume *v)
{
	static char why[1200];
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char table[512], want[512];
	bool whole = v->disk.kind == HPL_DISK_LUKS;
	uint64_t size = whole ? VICTIM_SIZE : v->disk.parts[1].size;
	struct stat st;

	if (!mapping_table(v->mapping, table, sizeof(table)) || stat(v->device, &st) < 0)
		return "there is no mapping of one target";
	snprintf(want, sizeof(want), "0 %llu crypt aes-xts-plain64 :64:logon:cryptsetup:%s-d0 0 %u:%u %llu",
		(unsigned long long)(size - HEADER_AREA) / 512, v->uuid, major(st.st_rdev), minor(st.st_rdev),
		HEADER_AREA / 512);
	snprintf(why, sizeof(why), "table '%s', not '%s'", table, want);
	if (strncmp(table, want, strlen(want)) != 0)
		return why;
	if (hpl_file_read(&b, "/mnt/data/known", 4096, NULL) < 0 || !hpl_streq(b.data, known_text))
		return "the known file cannot be read";
	return NULL;
}

/* ---- volumes to begin with ---- */

static void make_volume(const char *name)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v;

	victim_is("zero");
	if (boot_volume(&v, "victim", &err) < 0 || !v.created ||
		hpl_file_write("/mnt/data/known", known_text, sizeof(known_text) - 1, 0600, NULL) < 0)
		bail("making a volume", err.text);
	end_boot(&v);
	victim_saved_as(name);
}

static void make_good(void)
{
	make_volume("good");
}

static void make_other(void)
{
	make_volume("other");
}

static void make_without_record(void)
{
	static const uint8_t nothing[HPL_RECORD_ROOM];

	victim_is("good");
	victim_write(hpl_record_place(MIB), nothing, sizeof(nothing));
	victim_saved_as("norecord");
}

/* LUKS on the whole disk, as older images made it; by libcryptsetup alone. */
static void make_whole(void)
{
	const char *const mkfs[] = {"/sbin/mkfs.ext4", "-q", "/dev/mapper/prepare", NULL};
	struct hpl_proc p = {.argv = mkfs, .timeout_ms = 120000};
	struct crypt_pbkdf_type kdf = {.type = CRYPT_KDF_PBKDF2, .hash = "sha256", .iterations = 1000,
		.flags = CRYPT_PBKDF_NO_BENCHMARK};
	struct crypt_params_luks2 params = {.pbkdf = &kdf, .sector_size = 512};
	struct crypt_device *cd = NULL;
	int status = -1;

	victim_is("zero");
	if (crypt_init(&cd, victim_path()) < 0 ||
		crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, 64, &params) < 0 ||
		crypt_keyslot_add_by_volume_key(cd, 0, NULL, 0, (char *)pass.data, pass.len) < 0 ||
		crypt_activate_by_passphrase(cd, "prepare", 0, (char *)pass.data, pass.len, 0) < 0 ||
		hpl_proc_run(&p, &status, NULL) < 0 || status ||
		mount("/dev/mapper/prepare", "/mnt", "ext4", 0, NULL) < 0 ||
		hpl_file_write("/mnt/known", known_text, sizeof(known_text) - 1, 0600, NULL) < 0 ||
		umount("/mnt") < 0 || crypt_deactivate(cd, "prepare") < 0)
		bail("LUKS on the whole disk", strerror(errno));
	crypt_free(cd);
	victim_saved_as("whole");
}

void have_volume(const char *name)
{
	static bool made[4];
	static const struct { const char *name; void (*make)(void); } makers[] = {
		{"good", make_good}, {"other", make_other}, {"norecord", make_without_record}, {"whole", make_whole}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(makers); i++)
		if (hpl_streq(makers[i].name, name) && !made[i]) {
			made[i] = true;
			makers[i].make();
		}
}
