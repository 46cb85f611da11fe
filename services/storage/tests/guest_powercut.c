/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts, as first child of a virtual machine's init.
 *
 *   guest-powercut prepare VOLUME...  makes what each OP but make begins with, on the disk with serial VOLUME:
 *                                     volume-ext4, volume-xfs, volume-btrfs
 *   guest-powercut record OP...       does OP on the disk with serial OP; the hypervisor writes down
 *                                     each of its writes and flushes
 *   guest-powercut replay N SEED SLICE SLICES ONLY OP...
 *                                     disks OP-base (before), OP-log (the record): N states that the
 *                                     disk may be in when the power goes (powercut_log.h), of which this
 *                                     guest takes each SLICES-th, are built on a RAM disk, and the code
 *                                     of a boot opens each. ONLY: one state by its number; -1: all
 *
 *   make    a blank disk becomes a volume
 *   mount   a volume of another maker, without a record, is opened for the first time
 *   roll    its seeds are changed
 *   grow    its disk is larger than before
 *   close   a boot ends as hpld ends it: sync, unmount, mappings removed
 *
 * on an ext4; make-xfs, mount-xfs, make-btrfs and so on the same on another filesystem.
 *
 * After OP a file grows by records that are fsynced one by one; behind each fsync a mark is written
 * to a sector that nothing else uses, so that the record tells what had to survive.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/btrfs.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <openssl/evp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "services/storage/luks.h"
#include "services/storage/tests/guest.h"
#include "services/storage/tests/powercut_log.h"
#include "services/storage/tests/powercut_ram.h"
#include "services/storage/volume.h"

enum { RECORDS = 12, RECORD = 64, KDF_KB = 32, TAIL = 300 << 10, MANY = 400, ALL_MANY = 500,
	CLOSING = RECORDS + 1, CLOSED = RECORDS + 2, /* marks of the operation close */
	CHECK_EACH = 100, AGAIN_EACH = 8, PROGRESS_EACH = 50, ALL = -1 };

static struct hpl_secret seeds, new_seeds;
static struct hpl_secrets old_seeds; /* the same as seeds */

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

	*d = (struct hpl_disk){.name = "ram0", .path = "/dev/ram0", .major = RAMDISK_MAJOR,
		.size = sys_u64("ram0/size") * 512, .sequence = sys_u64("ram0/diskseq")};
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

/* Is op, of whatever filesystem, what is done? */
static bool does(const char *op, const char *what)
{
	size_t n = strcspn(op, "-");

	return n == strlen(what) && strncmp(op, what, n) == 0;
}

static const char *filesystem_of(const char *op)
{
	const char *dash = strchr(op, '-');

	return dash ? dash + 1 : "ext4";
}

static struct hpl_volume volume(const struct hpl_disk *d, const char *op)
{
	const bool rolls = does(op, "roll");

	return (struct hpl_volume){.name = "data", .mount = "/mnt/data", .filesystem = filesystem_of(op),
		.disk = *d, .passphrase = rolls ? &new_seeds : &seeds, .previous = rolls ? &old_seeds : NULL,
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
	static char sector[CUT_SECTOR] __attribute__((aligned(CUT_SECTOR)));
	int fd = open(disk, O_WRONLY | O_DIRECT), r;

	cut_mark_format(sector, n);
	r = fd < 0 || pwrite(fd, sector, CUT_SECTOR, CUT_MARK_AT) != CUT_SECTOR ? -1 : 0;
	if (fd >= 0)
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

static bool records_there(int upto)
{
	char want[RECORD], have[RECORD];
	int fd = open("/mnt/data/records", O_RDONLY);
	bool good = upto == 0 || fd >= 0;

	for (int n = 1; n <= upto && good; n++) {
		record_text(want, n);
		good = read(fd, have, RECORD) == RECORD && memcmp(want, have, RECORD) == 0;
	}
	if (fd >= 0)
		close(fd);
	return good;
}

/* Files that fill more than a sector of what a filesystem keeps about directories, inodes and free space. */
static void many_path(char path[64], unsigned n)
{
	snprintf(path, 64, "/mnt/data/many/%04u a name of middle length", n);
}

static int write_many(unsigned from, unsigned upto)
{
	static const char text[3000] = "too long for an inode or a leaf";
	char path[64];

	for (unsigned n = from; n < upto; n++) {
		many_path(path, n);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || write(fd, text, sizeof(text)) != sizeof(text) || close(fd) < 0)
			return -1;
	}
	return 0;
}

static int remove_each(unsigned step)
{
	char path[64];

	for (unsigned n = 0; n < MANY; n += step) {
		many_path(path, n);
		if (unlink(path) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* As remove_each(2), remove_each(3) and write_many(MANY, ALL_MANY) leave them. */
static bool many_there(void)
{
	char path[64];

	for (unsigned n = 0; n < ALL_MANY; n++) {
		many_path(path, n);
		if ((access(path, F_OK) == 0) != (n >= MANY || (n % 2 && n % 3)))
			return false;
	}
	return true;
}

/* What is not fsynced before the end of a boot. */
static int write_tail(void)
{
	static char text[TAIL];
	int fd;

	for (size_t i = 0; i < TAIL; i++)
		text[i] = (char)(i % 251);
	if (remove_each(3) < 0 || write_many(MANY, ALL_MANY) < 0 || mkdir("/mnt/data/tail", 0755) < 0)
		return -1;
	fd = open("/mnt/data/tail/temporary", O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, text, TAIL) != TAIL)
		return -1;
	return close(fd) < 0 ? -1 : rename("/mnt/data/tail/temporary", "/mnt/data/tail/big");
}

static bool tail_there(void)
{
	static char have[TAIL + 1];
	int fd = open("/mnt/data/tail/big", O_RDONLY);
	bool good = fd >= 0 && read(fd, have, sizeof(have)) == TAIL &&
		access("/mnt/data/tail/temporary", F_OK) < 0;

	for (size_t i = 0; i < TAIL && good; i++)
		good = have[i] == (char)(i % 251);
	if (fd >= 0)
		close(fd);
	return good && many_there();
}

/* What a workload does next: a filesystem may mount and fail at the first change. */
static bool goes_on(void)
{
	static const char path[] = "/mnt/data/next";
	char text[RECORD];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool good;

	record_text(text, 0);
	good = fd >= 0 && write(fd, text, RECORD) == RECORD && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good && unlink(path) == 0;
}

/* The kernel keeps what it knew of a btrfs that was unmounted; another boot does not know it. */
static void forget_btrfs(void)
{
	struct btrfs_ioctl_vol_args all = {.fd = 0};
	int fd = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)ioctl(fd, BTRFS_IOC_FORGET_DEV, &all);
	close(fd);
}

/* ---- prepare and record ---- */

static int bring_up(struct hpl_volume *v)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_volume_bring_up(v, &err) == 0)
		return 0;
	printf("# %s %s\n", hpl_msg_info(err.msg)->id, err.text);
	return bail("a volume does not open");
}

static int prepare(const char *op)
{
	struct hpl_disk *d = disk_named(op);

	if (!d)
		return bail("no such disk");
	struct hpl_volume v = volume(d, op);
	if (bring_up(&v))
		return 1;
	if (mkdir("/mnt/data/many", 0755) < 0 || write_many(0, MANY) < 0)
		return bail("files");
	sync();
	if (remove_each(2) < 0 || umount("/mnt/data") < 0 || crypt_deactivate(NULL, v.mapping) < 0)
		return bail("unmount or close");
	return 0;
}

/* As hpld does it (runtime/orchestrator/power.c). */
static int end_of_boot(void)
{
	struct dm_ioctl dm = {.version = {4, 0, 0}, .data_size = sizeof(dm), .data_start = sizeof(dm)};
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), r;

	sync();
	r = umount2("/mnt/data", UMOUNT_NOFOLLOW);
	if (r < 0 || fd < 0 || ioctl(fd, DM_REMOVE_ALL, &dm) < 0)
		r = -1;
	if (fd >= 0)
		close(fd);
	return r;
}

static int record(const char *op)
{
	struct hpl_disk *d = disk_named(op);

	if (!d)
		return bail("no such disk");
	struct hpl_volume v = volume(d, op);
	if (bring_up(&v))
		return 1;
	if (v.created != does(op, "make") || v.grown != does(op, "grow"))
		return bail("it did something else");
	if (write_records(v.disk.path) < 0)
		return bail("records");
	if (does(op, "close")) {
		if (write_tail() < 0 || put_mark(v.disk.path, CLOSING) < 0 || end_of_boot() < 0 ||
			put_mark(v.disk.path, CLOSED) < 0)
			return bail("the end of a boot");
		sync(); /* hpld's second one: nothing may depend on it */
	} else if (umount("/mnt/data") < 0 || crypt_deactivate(NULL, v.mapping) < 0) {
		return bail("unmount or close");
	}
	printf("# %s: recorded\n", op);
	return 0;
}

/* ---- replay ---- */

struct verdict { unsigned states, flushes, lost, formatted, stuck; uint64_t build_us, open_us, close_us; };

static struct { unsigned count, slice, slices; uint64_t seed; int only; } job;
static struct cut_log written;

/* libcryptsetup has OpenSSL look up SHA-256 by its name 8,000 times for one key slot, a good part of the
 * time of a state: here the digest that was found is used again. */
EVP_MD *EVP_MD_fetch(OSSL_LIB_CTX *ctx, const char *algorithm, const char *properties)
{
	static EVP_MD *(*find)(OSSL_LIB_CTX *, const char *, const char *);
	static EVP_MD *found;
	static OSSL_LIB_CTX *found_in;

	if (!find)
		*(void **)&find = dlsym(RTLD_NEXT, "EVP_MD_fetch");
	if (properties || !hpl_streq(algorithm, "sha256"))
		return find(ctx, algorithm, properties);
	if (!found || found_in != ctx) {
		EVP_MD_free(found);
		found = find(ctx, algorithm, NULL);
		found_in = ctx;
	}
	return found && EVP_MD_up_ref(found) ? found : NULL;
}

static int apply_for_now(void *ud, uint64_t at, const void *data, size_t len)
{
	(void)ud;
	return cut_ram_put(at, data, len, true);
}

static void complain(const char *op, const struct cut_state *s, int mark, const char *what)
{
	printf("# %s: state %u (flush %zu%s, mark %d): %s\n", op, s->id, s->point,
		s->random ? " and a part" : "", mark, what);
	fflush(stdout);
}

/* What a boot makes of what is on the RAM disk. */
static int judge(struct verdict *v, const char *op, const struct cut_state *s, int mark, bool may_make)
{
	struct hpl_err err = HPL_ERR_NULL;
	char text[HPL_ERR_TEXT + 32];
	struct hpl_disk d;
	uint64_t t = hpl_mono_us();
	int r;

	ram_disk(&d);
	struct hpl_volume vol = volume(&d, op);
	r = hpl_volume_bring_up(&vol, &err);
	v->open_us += hpl_mono_us() - t;
	t = hpl_mono_us();
	if (r < 0) {
		v->stuck++;
		snprintf(text, sizeof(text), "%s %s", hpl_msg_info(err.msg)->id, err.text);
		complain(op, s, mark, text);
	} else if (vol.created && !may_make) {
		v->formatted++;
		complain(op, s, mark, "formatted");
	} else if (!records_there(mark < RECORDS ? mark : RECORDS) || (mark >= CLOSED && !tail_there())) {
		v->lost++;
		complain(op, s, mark, "bytes are lost");
	} else if (!goes_on()) {
		v->stuck++;
		complain(op, s, mark, "mounted, and nothing can be written");
	}
	if (vol.found_fs[0] && umount("/mnt/data") < 0)
		return -1;
	if (vol.mapping[0])
		(void)crypt_deactivate(NULL, vol.mapping);
	if (hpl_streq(vol.filesystem, "btrfs"))
		forget_btrfs();
	v->close_us += hpl_mono_us() - t;
	return 0;
}

/* For one state: the number of a disk that takes what is on the RAM disk. */
static int keep_state(const char *op)
{
	char name[40];
	struct hpl_disk *d;

	snprintf(name, sizeof(name), "%s-state", op);
	d = disk_named(name);
	return d ? cut_ram_copy(d->path) : -1;
}

/* State s, on what its flush left. */
static int try_state(struct verdict *v, const char *op, const struct cut_state *s)
{
	const unsigned bad = v->stuck + v->lost + v->formatted;
	const bool makes = does(op, "make");
	uint64_t t = hpl_mono_us();
	int mark = cut_state_apply(&written, s, job.seed, apply_for_now, NULL);

	if (mark < 0 || cut_ram_write() < 0)
		return bail("a state cannot be built");
	if (v->states % CHECK_EACH == 0 && cut_ram_check() < 0)
		return bail("a state was not built as it should be");
	if (job.only != ALL && keep_state(op) < 0)
		return bail("the state cannot be kept");
	v->build_us += hpl_mono_us() - t;
	if (cut_ram_watch() < 0 || judge(v, op, s, mark, makes && !mark) < 0)
		return bail("a state cannot be judged");
	/* what a boot leaves has to do for the next one */
	if (s->id % AGAIN_EACH == 0 && bad == v->stuck + v->lost + v->formatted &&
		(cut_ram_rescan() < 0 || judge(v, op, s, mark, false) < 0))
		return bail("a state cannot be judged again");
	if (cut_ram_watched() < 0 || cut_ram_back() < 0)
		return bail("what was written is not known");
	v->states++;
	v->flushes += !s->random;
	if (v->states % PROGRESS_EACH == 0)
		printf("-- %s: %u states of each guest\n", op, v->states);
	fflush(stdout);
	return 0;
}

static bool ours(unsigned id)
{
	return job.only == ALL ? id % job.slices == job.slice : id == (unsigned)job.only;
}

/* In the order of their flushes: what was flushed before is built once. */
static int try_states(struct verdict *v, const char *op)
{
	unsigned count = job.count < written.point_count ? (unsigned)written.point_count : job.count;
	size_t done = 0;

	if (job.only >= (int)count)
		count = (unsigned)job.only + 1;
	for (size_t g = 0; g < written.point_count; g++) {
		for (; done < written.points[g]; done++) {
			const struct cut_entry *e = &written.list[done];
			if (cut_ram_put(e->at, e->data, (size_t)e->len, false) < 0)
				return bail("the record does not fit the disk");
		}
		for (unsigned id = 0; id < count; id++) {
			struct cut_state s = cut_state(&written, id, job.seed);
			if (s.point == g && ours(id) && try_state(v, op, &s))
				return 1;
		}
	}
	return 0;
}

static int read_log(const char *op)
{
	char name[32];
	struct hpl_disk *d;
	const char *why = NULL;
	uint8_t *bytes;
	int fd;

	snprintf(name, sizeof(name), "%s-log", op);
	d = disk_named(name);
	bytes = d ? calloc(1, d->size) : NULL;
	fd = d ? open(d->path, O_RDONLY) : -1;
	for (uint64_t done = 0; bytes && fd >= 0 && done < d->size; ) {
		static uint8_t chunk[1 << 20];
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)done);

		if (n <= 0)
			return bail("the record cannot be read");
		/* the room that the record has left stays without memory */
		if (chunk[0] || memcmp(chunk, chunk + 1, (size_t)n - 1) != 0)
			memcpy(bytes + done, chunk, (size_t)n);
		done += (size_t)n;
	}
	if (!bytes || fd < 0)
		return bail("no record");
	close(fd);
	why = cut_log_parse(&written, bytes, d->size, does(op, "close") ? CLOSING : 0);
	if (!why)
		return 0;
	printf("# the record of %s: %s\n", op, why);
	return bail("the record is not understood");
}

static int replay(const char *op)
{
	struct verdict v = {0};
	char name[32];
	struct hpl_disk *d;

	if (read_log(op))
		return 1;
	snprintf(name, sizeof(name), "%s-base", op);
	d = disk_named(name);
	if (!d || cut_ram_begin(d->path, d->size) < 0)
		return bail("the RAM disk cannot be made");
	if (try_states(&v, op))
		return 1;
	printf("= %s states %u flushes %u of %zu entries %zu stuck %u formatted %u lost %u"
		" ms %llu %llu %llu\n", op, v.states, v.flushes, written.point_count, written.count, v.stuck,
		v.formatted, v.lost, (unsigned long long)v.build_us / 1000,
		(unsigned long long)v.open_us / 1000, (unsigned long long)v.close_us / 1000);
	cut_log_done(&written);
	return 0;
}

int main(int argc, char **argv)
{
	int (*each)(const char *op) = NULL;
	int first = 2;

	if (hpl_secret_copy(&seeds, "old seeds of both", 17, NULL) < 0 ||
		hpl_secret_copy(&new_seeds, "new seeds of both", 17, NULL) < 0 ||
		hpl_secrets_add(&old_seeds, "old seeds of both", 17, NULL) < 0)
		return 2;
	if (argc > 2 && hpl_streq(argv[1], "prepare"))
		each = prepare;
	if (argc > 2 && hpl_streq(argv[1], "record"))
		each = record;
	if (argc > 7 && hpl_streq(argv[1], "replay")) {
		job.count = (unsigned)atoi(argv[2]);
		job.seed = strtoull(argv[3], NULL, 10);
		job.slice = (unsigned)atoi(argv[4]);
		job.slices = (unsigned)atoi(argv[5]);
		job.only = atoi(argv[6]);
		each = replay;
		first = 7;
	}
	for (int i = first; each && i < argc; i++)
		if (each(argv[i]))
			return 1;
	fflush(stdout);
	return each ? 0 : 2;
}
