/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of a mounted volume inside a guest, on the real kernel.
 *
 *   guest-disk-check check VOLUME...    one line: "checked DEVICE SLOTS" or "refused ID: why"
 *   guest-disk-check hostile VOLUME...  does to the volume what it must find, as TAP; the volume is lost
 *
 * VOLUME: mount point, device, mapping, UUID, cipher, key bits, data offset, sector size, key slots: what
 * storage.ready says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "services/disk-check/check.h"

enum { FIELDS = 9, HEADER_BYTES = 32768 };

static const struct hpl_linux_paths paths = {"/proc/self/mountinfo", "/sys/dev/block", "/sys/fs/btrfs",
	"/dev/mapper/control", "/bin/hpl-disk-check-header"};
static struct hpl_check_target target;
static struct hpl_check_result result;
static int number, failures;

static int check(struct hpl_err *err)
{
	struct hpl_kernel kernel = hpl_linux(&paths);

	*err = HPL_ERR_NULL;
	return hpl_check_all(&result, &target, 1, &kernel, err);
}

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failures += !good;
}

static void fine(const char *what)
{
	struct hpl_err err;
	int r = check(&err);

	ok(r == 0, what);
	if (r < 0)
		printf("# %s: %s\n", hpl_msg_info(err.msg)->id, err.text);
}

static void found(const char *id, const char *why, const char *what)
{
	struct hpl_err err;
	int r = check(&err);

	ok(r < 0 && hpl_streq(hpl_msg_info(err.msg)->id, id) && strstr(err.text, why), what);
	printf("# %s: %s\n", r < 0 ? hpl_msg_info(err.msg)->id : "nothing was found", r < 0 ? err.text : "");
}

/* ---- the device mapper ---- */

static struct {
	struct dm_ioctl io;
	struct dm_target_spec spec;
	char params[1024];
} ask;

static int tell(unsigned long request, const char *name, unsigned flags)
{
	int control = open(paths.control, O_RDWR | O_CLOEXEC), r;

	ask.io.version[0] = DM_VERSION_MAJOR;
	ask.io.data_size = sizeof(ask);
	ask.io.data_start = sizeof(ask.io);
	ask.io.flags = flags;
	snprintf(ask.io.name, sizeof(ask.io.name), "%s", name);
	r = ioctl(control, request, &ask);
	if (r < 0)
		printf("# device mapper: %s\n", strerror(errno));
	close(control);
	return r;
}

static int simple(unsigned long request, unsigned flags)
{
	memset(&ask, 0, sizeof(ask));
	return tell(request, target.mapping, flags);
}

static int load(const char *name, const char *type, uint64_t length, const char *params)
{
	memset(&ask, 0, sizeof(ask));
	ask.io.target_count = 1;
	ask.spec.length = length;
	snprintf(ask.spec.target_type, sizeof(ask.spec.target_type), "%s", type);
	snprintf(ask.params, sizeof(ask.params), "%s", params);
	return tell(DM_TABLE_LOAD, name, 0);
}

/* The table in use is exchanged; nothing is written on the way. */
static int exchange(const char *type, uint64_t length, const char *params)
{
	if (load(target.mapping, type, length, params) < 0 ||
		simple(DM_DEV_SUSPEND, DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG) < 0)
		return -1;
	return simple(DM_DEV_SUSPEND, DM_SKIP_LOCKFS_FLAG);
}

/* ---- what is done to it ---- */

static void mounts(void)
{
	char plain[] = "/dev/vda", what[64];

	ok(mount("tmpfs", target.mount, "tmpfs", 0, NULL) == 0, "a tmpfs is mounted over the volume");
	found("HPL13011E", "2 things are mounted", "what is mounted over it is found");
	umount(target.mount);
	fine("without it all is well");
	ok(mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0, "a tmpfs is mounted over the folder above");
	found("HPL13011E", "cannot look at", "a mount point that is gone is found");
	mkdir(target.mount, 0700);
	found("HPL13011E", "hidden", "a volume that is hidden is found");
	umount("/mnt");
	fine("without it all is well");
	mkdir("/second", 0700);
	ok(mount(target.mount, "/second", NULL, MS_BIND, NULL) == 0, "the volume is mounted a second time");
	fine("which is fine");
	umount("/second");
	/* the other one of the two disks; which is the first is for the machine to say */
	plain[7] = strncmp(target.device, plain, 8) == 0 ? 'b' : 'a';
	snprintf(what, sizeof what, "ext4 of %s is mounted at /second", plain);
	ok(mount(plain, "/second", "ext4", MS_RDONLY, "noload") == 0, "a plain disk is mounted");
	found("HPL13013E", what, "a mounted disk of nobody is found");
	umount("/second");
}

static void header(void)
{
	static char kept[HEADER_BYTES], zeros[HEADER_BYTES];
	int fd = open(target.device, O_RDWR | O_CLOEXEC | O_SYNC);

	ok(pread(fd, kept, sizeof(kept), 0) == HEADER_BYTES && pwrite(fd, zeros, sizeof(zeros), 0) == HEADER_BYTES,
		"both copies of the header are overwritten");
	found("HPL13012E", "no LUKS2 header", "a header that is gone is found");
	ok(pwrite(fd, kept, sizeof(kept), 0) == HEADER_BYTES, "the header is restored");
	fine("with it all is well");
	close(fd);
	target.keyslots++;
	result.done = false;
	found("HPL13012E", "key slots", "another number of key slots is found");
	target.keyslots--;
}

static void told(void)
{
	struct hpl_check_target right = target;

	result.done = false;
	target.device = "/dev/vdz2";
	found("HPL13005E", "is gone", "another device than was opened is found");
	target = right;
	target.mapping = "luks-x";
	found("HPL13005E", "'luks-x' was opened", "another mapping than was opened is found");
	target = right;
	target.data_offset += 4096;
	found("HPL13005E", "begin at byte", "another offset than was opened is found");
	target = right;
	target.sector_size = 512;
	found("HPL13005E", "sectors", "another sector size than was opened is found");
	target = right;
	fine("as it was opened all is well");
}

static void tables(void)
{
	char params[64];
	struct stat st;

	if (stat(target.device, &st) < 0)
		return;
	snprintf(params, sizeof(params), "%u:%u 32768", major(st.st_rdev), minor(st.st_rdev));
	ok(load(target.mapping, "linear", result.length, params) == 0, "a table is loaded, not yet in use");
	found("HPL13005E", "another table was loaded", "a loaded table is found");
	simple(DM_TABLE_CLEAR, 0);
	fine("without it all is well");
	ok(simple(DM_DEV_SUSPEND, DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG) == 0,
		"the mapping is suspended");
	found("HPL13005E", "suspended", "a suspended mapping is found");
	simple(DM_DEV_SUSPEND, DM_SKIP_LOCKFS_FLAG);
	fine("resumed all is well");
	ok(exchange("linear", result.length, params) == 0, "the mapping is made a linear one");
	found("HPL13005E", "of the kind 'linear'", "another kind of mapping is found");
}

/* The same cipher, device and size with a key that somebody else chose. */
static void other_key(void)
{
	char params[512], key[129];
	struct stat st;

	memset(key, 'a', 128);
	key[128] = 0;
	if (stat(target.device, &st) < 0)
		return;
	snprintf(params, sizeof(params), "aes-xts-plain64 %s 0 %u:%u %llu 1 sector_size:%u", key,
		major(st.st_rdev), minor(st.st_rdev), (unsigned long long)target.data_offset / 512,
		target.sector_size);
	ok(exchange("crypt", result.length, params) == 0, "the mapping gets another key");
	found("HPL13005E", "not in the keyring", "another key is found");
	snprintf(params, sizeof(params), "cipher_null-ecb - 0 %u:%u %llu 1 sector_size:%u",
		major(st.st_rdev), minor(st.st_rdev), (unsigned long long)target.data_offset / 512,
		target.sector_size);
	ok(exchange("crypt", result.length, params) == 0, "the mapping loses its cipher");
	found("HPL13005E", "not in the keyring", "a mapping without a cipher is found");
}

static void unmounted(void)
{
	ok(umount2(target.mount, MNT_DETACH) == 0, "the volume is unmounted");
	found("HPL13011E", "nothing is mounted", "an unmounted volume is found");
}

static int hostile(void)
{
	fine("a good volume passes");
	fine("and passes again");
	told();
	mounts();
	header();
	fine("after all this it passes");
	tables();
	other_key();
	unmounted();
	return failures != 0;
}

static int one_line(void)
{
	struct hpl_err err;

	if (check(&err) < 0) {
		printf("refused %s: %s\n", hpl_msg_info(err.msg)->id, err.text);
		return 1;
	}
	printf("checked %s %u\n", result.device, result.keyslots);
	return 0;
}

int main(int argc, char **argv)
{
	char **v = argv + 2;

	if (argc != 2 + FIELDS)
		return 2;
	target = (struct hpl_check_target){.mount = v[0], .device = v[1], .mapping = v[2], .uuid = v[3],
		.cipher = v[4], .key_bytes = (unsigned)atoi(v[5]) / 8,
		.data_offset = strtoull(v[6], NULL, 10), .sector_size = (uint32_t)atoi(v[7]),
		.keyslots = (unsigned)atoi(v[8])};
	return hpl_streq(argv[1], "hostile") ? hostile() : one_line();
}
