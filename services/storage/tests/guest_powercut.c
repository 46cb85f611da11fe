/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts, as first child of a virtual machine's init. Prints TAP.
 *
 *   guest-powercut prepare OP         makes what OP begins with
 *   guest-powercut record OP          does OP on the disk with serial OP; the hypervisor writes down
 *                                     each of its writes and flushes
 *   guest-powercut replay OP N SEED   disks OP-base (before), OP-log (the record): N states that the
 *                                     disk may be in when the power goes are built on a RAM disk, and
 *                                     the code of a boot opens each
 *
 *   make    a blank disk becomes a volume
 *   mount   a volume of another maker is opened for the first time
 *   roll    its seeds are changed
 *   grow    its disk is larger than before
 *
 * After OP a file grows by records that are fsynced one by one; behind each fsync a mark is written
 * to a sector that nothing else uses, so that the record tells what had to survive. A state is all
 * up to some flush, and any part, in pages of 4 KiB, of what came between it and the next one.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "services/storage/luks.h"
#include "services/storage/volume.h"

enum { RECORDS = 12, RECORD = 64, PAGE = 4096, SECTOR = 512, MARK_AT = 32 << 10, KDF_KB = 32 };
static const char mark_text[] = "hpl-powercut-mark";

static const struct hpl_disk_paths paths = {"/sys/class/block", "/dev", "/proc/self/mountinfo"};
static struct hpl_secret seeds, old_seeds;

static int bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	return 1;
}

static uint64_t sys_u64(const char *rel)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/block/%s", rel);
	return hpl_file_read(&b, path, 64, NULL) == 0 ? strtoull(b.data, NULL, 10) : 0;
}

/* The RAM disk as the scan would show it: the scan itself takes only disks with hardware. */
static void ram_disk(struct hpl_disk *d)
{
	char rel[64];

	*d = (struct hpl_disk){.name = "ram0", .path = "/dev/ram0", .size = sys_u64("ram0/size") * 512};
	for (unsigned n = 1; n <= 2; n++) {
		struct hpl_disk_part *p = &d->parts[d->part_count];

		snprintf(rel, sizeof(rel), "ram0p%u/size", n);
		p->size = sys_u64(rel) * 512;
		snprintf(rel, sizeof(rel), "ram0p%u/start", n);
		p->start = sys_u64(rel) * 512;
		snprintf(p->path, sizeof(p->path), "/dev/ram0p%u", n);
		d->part_count += p->size != 0;
	}
}

static int find(struct hpl_disk *ret, const char *serial)
{
	static struct hpl_disk disks[HPL_DISK_MAX];
	size_t count = 0;

	if (hpl_disk_scan(disks, &count, &paths, NULL) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (hpl_streq(disks[i].serial, serial)) {
			*ret = disks[i];
			return 0;
		}
	return -1;
}

static struct hpl_volume volume(const struct hpl_disk *d, const char *op)
{
	return (struct hpl_volume){.name = "data", .mount = "/mnt/data", .filesystem = "ext4", .disk = *d,
		.passphrase = &seeds, .previous = hpl_streq(op, "roll") ? &old_seeds : NULL,
		.mkfs_dir = "/sbin", .root = "/", .memory_kb = KDF_KB};
}

/* ---- record ---- */

static void record_text(char out[RECORD], int n)
{
	memset(out, 'a' + n % 26, RECORD);
	snprintf(out, RECORD, "record %04d ", n);
	out[12] = 'x';
	out[RECORD - 1] = '\n';
}

static int put_mark(const char *disk, int n)
{
	static char sector[SECTOR] __attribute__((aligned(SECTOR)));
	int fd = open(disk, O_WRONLY | O_DIRECT), r;

	memset(sector, 0, sizeof(sector));
	snprintf(sector, sizeof(sector), "%s %d", mark_text, n);
	r = fd < 0 || pwrite(fd, sector, SECTOR, MARK_AT) != SECTOR ? -1 : 0;
	close(fd);
	return r;
}

static int write_records(const char *disk)
{
	char text[RECORD];
	int fd = open("/mnt/data/records", O_WRONLY | O_CREAT | O_APPEND, 0600);

	for (int n = 1; n <= RECORDS && fd >= 0; n++) {
		record_text(text, n);
		if (write(fd, text, RECORD) != RECORD || fsync(fd) < 0 || put_mark(disk, n) < 0)
			return -1;
	}
	return fd < 0 ? -1 : close(fd);
}

/* The volume that is there before: with the old seeds, or as another maker left it (no record). */
static int prepare(const char *op)
{
	static const uint8_t nothing[HPL_RECORD_ROOM];
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_disk d;
	int fd, r = 0;

	if (find(&d, op) < 0)
		return bail("no such disk");
	struct hpl_volume v = volume(&d, "make");
	v.passphrase = hpl_streq(op, "roll") ? &old_seeds : &seeds;
	if (hpl_volume_bring_up(&v, &err) < 0) {
		printf("# %s %s\n", hpl_msg_info(err.msg)->id, err.text);
		return bail("a volume cannot be made");
	}
	if (umount("/mnt/data") < 0 || crypt_deactivate(NULL, v.mapping) < 0)
		return bail("unmount or close");
	if (hpl_streq(op, "mount")) {
		fd = open(d.path, O_WRONLY);
		r = pwrite(fd, nothing, sizeof(nothing), (off_t)hpl_record_place(1 << 20)) !=
			(ssize_t)sizeof(nothing) || fsync(fd) < 0;
		close(fd);
	}
	printf("%sok 1 - prepared\n1..1\n", r ? "not " : "");
	return r;
}

static int record(const char *op)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_disk d;

	if (find(&d, op) < 0)
		return bail("no such disk");
	struct hpl_volume v = volume(&d, op);
	if (hpl_volume_bring_up(&v, &err) < 0) {
		printf("# %s %s\n", hpl_msg_info(err.msg)->id, err.text);
		return bail("the operation failed");
	}
	if (write_records(d.path) < 0 || umount("/mnt/data") < 0 || crypt_deactivate(NULL, v.mapping) < 0)
		return bail("records, unmount or close");
	printf("ok 1 - recorded%s%s\n1..1\n", v.created ? ", made" : "", v.grown ? ", grown" : "");
	return 0;
}

/* ---- the record of the hypervisor: the format of dm-log-writes (Linux, device-mapper/log-writes) ---- */

enum { LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4 };

struct entry {
	uint64_t at, len;      /* bytes; len 0: a flush alone */
	uint64_t data;         /* offset in the log */
	bool flush;            /* all before it is on the disk */
	int mark;              /* that it writes, -1 */
};

static struct { struct entry *list; size_t count; uint8_t *bytes; size_t len; } log_;
static struct { uint64_t *at; uint8_t *pages; size_t count; uint64_t size; } base;

static uint64_t le64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return le64toh(v);
}

static int mark_of(const struct entry *e)
{
	const char *p = (const char *)log_.bytes + e->data;
	int n = -1;

	if (e->at == MARK_AT && e->len == SECTOR && strncmp(p, mark_text, strlen(mark_text)) == 0)
		n = atoi(p + strlen(mark_text));
	return n;
}

static int read_whole(uint8_t **ret, size_t *ret_len, const struct hpl_disk *d)
{
	int fd = open(d->path, O_RDONLY);
	size_t done = 0;

	*ret = malloc(d->size);
	while (*ret && fd >= 0 && done < d->size) {
		ssize_t n = pread(fd, *ret + done, d->size - done > 1 << 20 ? 1 << 20 : d->size - done, (off_t)done);
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	close(fd);
	*ret_len = done;
	return *ret && done == d->size ? 0 : -1;
}

static int read_log(const struct hpl_disk *d)
{
	uint64_t n, sector;

	if (read_whole(&log_.bytes, &log_.len, d) < 0)
		return -1;
	n = le64(log_.bytes + 16);
	sector = le32toh(*(uint32_t *)(log_.bytes + 24));
	if (le64(log_.bytes) != 0x6a736677736872ULL || !n || sector < SECTOR)
		return -1;
	log_.list = calloc(n, sizeof(*log_.list));
	for (uint64_t at = sector, i = 0; i < n; i++) {
		const uint8_t *p = log_.bytes + at;
		struct entry e = {.at = le64(p) * sector, .len = le64(p + 8) * sector, .data = at + sector,
			.flush = le64(p + 16) & (LOG_FLUSH | LOG_FUA)};

		if (at + sector > log_.len)
			return -1;
		if (le64(p + 16) & LOG_DISCARD)
			e.len = 0; /* may do nothing on a disk */
		else
			at += e.len;
		at += sector;
		e.mark = mark_of(&e);
		log_.list[log_.count++] = e;
	}
	return 0;
}

static bool zeros(const uint8_t *p)
{
	return p[0] == 0 && memcmp(p, p + 1, PAGE - 1) == 0;
}

static int read_base(const struct hpl_disk *d)
{
	uint8_t page[PAGE];
	int fd = open(d->path, O_RDONLY);

	base.size = d->size;
	base.at = calloc(d->size / PAGE, sizeof(*base.at));
	for (uint64_t at = 0; at < d->size; at += PAGE) {
		if (pread(fd, page, PAGE, (off_t)at) != PAGE)
			return -1;
		if (zeros(page))
			continue;
		base.pages = reallocarray(base.pages, base.count + 1, PAGE);
		memcpy(base.pages + base.count * PAGE, page, PAGE);
		base.at[base.count++] = at;
	}
	return close(fd);
}

/* ---- states ---- */

/* A fresh RAM disk: the module is loaded anew, so that nothing of the state before is left. */
static int fresh_ram(void)
{
	char args[80];
	int fd, r;

	(void)syscall(SYS_delete_module, "brd", O_NONBLOCK);
	snprintf(args, sizeof(args), "rd_nr=1 rd_size=%llu max_part=16", (unsigned long long)base.size / 1024);
	fd = open("/modules/brd.ko", O_RDONLY);
	r = (int)syscall(SYS_finit_module, fd, args, 0);
	close(fd);
	return r;
}

static uint64_t random_state;
static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33) % below;
}

static int apply(int fd, const struct entry *e, bool torn)
{
	for (uint64_t done = 0; done < e->len; done += PAGE) {
		size_t n = e->len - done < PAGE ? (size_t)(e->len - done) : PAGE;

		if (torn && draw(2))
			continue;
		if (pwrite(fd, log_.bytes + e->data + done, n, (off_t)(e->at + done)) != (ssize_t)n)
			return -1;
	}
	return 0;
}

/* All of the log up to entry flushed, and with subset a part of what follows up to the next flush.
 * *ret_mark: the newest mark that surely was written. */
static int build(size_t flushed, bool subset, int *ret_mark)
{
	int fd, r = 0;

	if (fresh_ram() < 0)
		return -1;
	fd = open("/dev/ram0", O_RDWR);
	for (size_t i = 0; i < base.count && fd >= 0; i++)
		if (pwrite(fd, base.pages + i * PAGE, PAGE, (off_t)base.at[i]) != PAGE)
			return -1;
	*ret_mark = 0;
	for (size_t i = 0; i < flushed && r == 0; i++) {
		r = apply(fd, &log_.list[i], false);
		if (log_.list[i].mark > *ret_mark)
			*ret_mark = log_.list[i].mark;
	}
	for (size_t i = flushed; subset && r == 0 && i < log_.count && !log_.list[i].flush; i++)
		if (draw(4)) /* of each write three of four times a part, or all */
			r = apply(fd, &log_.list[i], draw(2));
	if (r < 0 || fd < 0 || fsync(fd) < 0 || ioctl(fd, BLKRRPART) < 0)
		r = -1;
	close(fd);
	return r;
}

struct verdict { unsigned states, lost, formatted, stuck; uint64_t build_us, open_us, close_us; };

static bool records_there(int upto)
{
	char want[RECORD], have[RECORD];
	int fd = open("/mnt/data/records", O_RDONLY);
	bool good = upto == 0 || fd >= 0;

	for (int n = 1; n <= upto && good; n++) {
		record_text(want, n);
		good = read(fd, have, RECORD) == RECORD && memcmp(want, have, RECORD) == 0;
	}
	close(fd);
	return good;
}

/* What a boot makes of the state on the RAM disk. */
static int judge(struct verdict *v, const char *op, size_t flushed, int mark)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_disk d;
	int r;

	ram_disk(&d);
	struct hpl_volume vol = volume(&d, op);
	uint64_t t = hpl_mono_us();
	v->states++;
	r = hpl_volume_bring_up(&vol, &err);
	v->open_us += hpl_mono_us() - t;
	t = hpl_mono_us();
	if (r < 0) {
		v->stuck++;
		printf("# %s, %zu entries, mark %d: %s %s\n", op, flushed, mark,
			hpl_msg_info(err.msg)->id, err.text);
	}
	if (r == 0 && vol.created && (mark || !hpl_streq(op, "make"))) {
		v->formatted++;
		printf("# %s, %zu entries, mark %d: formatted\n", op, flushed, mark);
	}
	if (r == 0 && !records_there(mark)) {
		v->lost++;
		printf("# %s, %zu entries, mark %d: records are lost\n", op, flushed, mark);
	}
	fflush(stdout);
	if (vol.found_fs[0] && umount("/mnt/data") < 0)
		return -1;
	if (vol.mapping[0])
		(void)crypt_deactivate(NULL, vol.mapping);
	v->close_us += hpl_mono_us() - t;
	return 0;
}

static int replay(const char *op, unsigned count, uint64_t seed)
{
	char name[32];
	struct hpl_disk d;
	struct verdict v = {0};
	size_t flushes = 0, *points;

	random_state = seed;
	snprintf(name, sizeof(name), "%s-log", op);
	if (find(&d, name) < 0 || read_log(&d) < 0)
		return bail("the record cannot be read");
	snprintf(name, sizeof(name), "%s-base", op);
	if (find(&d, name) < 0 || read_base(&d) < 0)
		return bail("the base cannot be read");
	points = calloc(log_.count + 1, sizeof(*points));
	points[flushes++] = 0;
	for (size_t i = 0; i < log_.count; i++)
		if (log_.list[i].flush)
			points[flushes++] = i + 1;
	printf("# %s: %zu entries, %zu flushes\n", op, log_.count, flushes - 1);
	for (unsigned i = 0; i < count; i++) {
		/* each flush first, then what lies between them, evenly */
		bool subset = i >= flushes;
		size_t at = subset ? points[(i - flushes) % flushes] : points[i];
		int mark = 0;

		uint64_t t = hpl_mono_us();
		if (build(at, subset, &mark) < 0)
			return bail("a state cannot be built");
		v.build_us += hpl_mono_us() - t;
		if (judge(&v, op, at, mark) < 0)
			return bail("a state cannot be judged");
	}
	printf("%sok 1 - %s: %u states, all open\n", v.stuck ? "not " : "", op, v.states);
	printf("%sok 2 - %s: nothing was formatted that held data\n", v.formatted ? "not " : "", op);
	printf("%sok 3 - %s: no fsynced byte is lost\n", v.lost ? "not " : "", op);
	printf("# %s: each state: built in %.2f s, opened in %.2f s, closed in %.2f s\n", op,
		(double)v.build_us / 1e6 / count, (double)v.open_us / 1e6 / count,
		(double)v.close_us / 1e6 / count);
	printf("# %s: states %u, need a person %u, formatted %u, lost %u\n1..3\n", op, v.states, v.stuck,
		v.formatted, v.lost);
	return v.stuck || v.formatted || v.lost;
}

int main(int argc, char **argv)
{
	int r = 2;

	if (hpl_secret_copy(&seeds, "new seeds of both", 17, NULL) < 0 ||
		hpl_secret_copy(&old_seeds, "old seeds of both", 17, NULL) < 0)
		return 2;
	if (argc == 3 && hpl_streq(argv[1], "prepare"))
		r = prepare(argv[2]);
	else if (argc == 3 && hpl_streq(argv[1], "record"))
		r = record(argv[2]);
	else if (argc == 5 && hpl_streq(argv[1], "replay"))
		r = replay(argv[2], (unsigned)atoi(argv[3]), strtoull(argv[4], NULL, 10));
	fflush(stdout);
	return r;
}
