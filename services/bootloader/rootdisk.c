// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/rootdisk.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <libfdisk/libfdisk.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "runtime/base/proc.h"

/* libfdisk would print its questions and notes on the console */
static int quiet(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	return fdisk_is_ask(ask, YESNO) ? fdisk_ask_yesno_set_result(ask, 0) : 0;
}

static struct fdisk_context *open_table(const char *disk, int readonly, struct hpl_err *err)
{
	struct fdisk_context *cxt = fdisk_new_context();

	if (!cxt) {
		HPL_OOM(err);
		return NULL;
	}
	fdisk_set_ask(cxt, quiet, NULL);
	int r = fdisk_assign_device(cxt, disk, readonly);
	if (r < 0)
		HPL_FAIL(err, 0, -r, "cannot open %s", disk);
	else if (!fdisk_is_label(cxt, GPT))
		HPL_FAIL(err, 0, 0, "%s has no GUID partition table", disk);
	else
		return cxt;
	fdisk_unref_context(cxt);
	return NULL;
}

/* 1: no (more) partition of the name; *ret is its index from 0 */
static int find_named(size_t *ret, struct fdisk_context *cxt, const char *name, struct hpl_err *err)
{
	struct fdisk_table *tb = NULL;
	int found = 1;

	int r = fdisk_get_partitions(cxt, &tb);
	if (r < 0)
		return HPL_FAIL(err, 0, -r, "cannot read the partition table");
	for (size_t i = 0; i < fdisk_table_get_nents(tb); i++) {
		struct fdisk_partition *pa = fdisk_table_get_partition(tb, i);
		if (!pa || !fdisk_partition_is_used(pa) || !hpl_streq(fdisk_partition_get_name(pa), name))
			continue;
		*ret = fdisk_partition_get_partno(pa);
		found = 0;
		break;
	}
	fdisk_unref_table(tb);
	return found;
}

int hpl_rootdisk_find_old(int *ret_number, const char *disk, struct hpl_err *err)
{
	struct fdisk_context *cxt = open_table(disk, 1, err);
	size_t index = 0;

	if (!cxt)
		return -1;
	int r = find_named(&index, cxt, HPL_ROOT_PARTITION, err);
	if (r == 0)
		*ret_number = (int)index + 1;
	fdisk_deassign_device(cxt, 1);
	fdisk_unref_context(cxt);
	return r;
}

static int largest_free(fdisk_sector_t *ret_start, fdisk_sector_t *ret_size,
	struct fdisk_context *cxt, struct hpl_err *err)
{
	struct fdisk_table *tb = NULL;
	fdisk_sector_t best = 0, start = 0;

	int r = fdisk_get_freespaces(cxt, &tb);
	if (r < 0)
		return HPL_FAIL(err, 0, -r, "cannot find free space");
	for (size_t i = 0; i < fdisk_table_get_nents(tb); i++) {
		struct fdisk_partition *pa = fdisk_table_get_partition(tb, i);
		if (fdisk_partition_has_size(pa) && fdisk_partition_get_size(pa) > best) {
			best = fdisk_partition_get_size(pa);
			start = fdisk_partition_get_start(pa);
		}
	}
	fdisk_unref_table(tb);
	unsigned long long mb = (unsigned long long)best * fdisk_get_sector_size(cxt) >> 20;
	if (mb < HPL_ROOT_MIN_MB) {
		HPL_FAIL(err, 0, 0, "the boot disk has %llu MiB free, the root needs %d", mb,
			(int)HPL_ROOT_MIN_MB);
		hpl_err_cure(err, "make the boot disk larger");
		return -1;
	}
	/* begin and size in whole MiB: LUKS with 4096-byte sectors needs a multiple of them */
	fdisk_sector_t mib = (1 << 20) / fdisk_get_sector_size(cxt);
	fdisk_sector_t begin = (start + mib - 1) / mib * mib;
	*ret_start = begin;
	*ret_size = (start + best - begin) / mib * mib;
	return 0;
}

static int add_root(size_t *ret, struct fdisk_context *cxt, struct hpl_err *err)
{
	struct fdisk_partition *pa = NULL;
	fdisk_sector_t start = 0, size = 0;

	if (largest_free(&start, &size, cxt, err) < 0)
		return -1;
	pa = fdisk_new_partition();
	if (!pa)
		return HPL_OOM(err);
	fdisk_disable_dialogs(cxt, 1);
	fdisk_partition_set_start(pa, start);
	fdisk_partition_set_size(pa, size);
	fdisk_partition_set_name(pa, HPL_ROOT_PARTITION);
	fdisk_partition_partno_follow_default(pa, 1);
	int r = fdisk_add_partition(cxt, pa, ret);
	fdisk_unref_partition(pa);
	return r < 0 ? HPL_FAIL(err, 0, -r, "cannot add the root partition") : 0;
}

static int repartition(size_t *ret, struct fdisk_context *cxt, struct hpl_err *err)
{
	struct fdisk_table *before = NULL;
	size_t old;
	int r = fdisk_get_partitions(cxt, &before);

	if (r < 0)
		return HPL_FAIL(err, 0, -r, "cannot read the partition table");
	while ((r = find_named(&old, cxt, HPL_ROOT_PARTITION, err)) == 0)
		if ((r = fdisk_delete_partition(cxt, old)) < 0) {
			HPL_FAIL(err, 0, -r, "cannot delete the old root partition");
			break;
		}
	if (r >= 0)
		r = add_root(ret, cxt, err);
	if (r == 0 && (r = fdisk_write_disklabel(cxt)) < 0)
		HPL_FAIL(err, 0, -r, "cannot write the partition table");
	struct stat st;
	int fd = fdisk_get_devfd(cxt);
	if (r == 0 && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) &&
		(r = fdisk_reread_changes(cxt, before)) < 0)
		HPL_FAIL(err, 0, -r, "the kernel does not take the new partition table");
	fdisk_unref_table(before);
	return r < 0 ? -1 : 0;
}

int hpl_rootdisk_partition(int *ret_number, const char *disk, struct hpl_err *err)
{
	struct fdisk_context *cxt = open_table(disk, 0, err);
	size_t index = 0;

	if (!cxt)
		return -1;
	int r = repartition(&index, cxt, err);
	fdisk_deassign_device(cxt, 1); /* nosync: nothing waits for this disk */
	fdisk_unref_context(cxt);
	if (r == 0)
		*ret_number = (int)index + 1;
	else
		HPL_WRAP(err, 0, "%s", disk);
	return r;
}

int hpl_rootdisk_passphrase(struct hpl_secret *ret, struct hpl_err *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[32];
	size_t have = 0;

	/* blocks until the kernel has entropy, which /dev/urandom does not */
	while (have < sizeof(raw)) {
		ssize_t n = getrandom(raw + have, sizeof(raw) - have, 0);
		if (n < 0 && errno != EINTR)
			return HPL_FAIL(err, 0, errno, "no random numbers");
		have += n > 0 ? (size_t)n : 0;
	}
	if (hpl_secret_alloc(ret, 2 * sizeof(raw), err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(raw); i++) {
		ret->data[2 * i] = (uint8_t)hex[raw[i] >> 4];
		ret->data[2 * i + 1] = (uint8_t)hex[raw[i] & 15];
	}
	hpl_wipe(raw, sizeof(raw));
	return 0;
}

/* libcryptsetup's messages belong to the cause, not on the console */
static void keep_last(int level, const char *msg, void *ud)
{
	char *last = ud;

	if (level == CRYPT_LOG_ERROR) {
		snprintf(last, 256, "%s", msg);
		last[strcspn(last, "\n")] = 0;
	}
}

static int crypt_fail(struct hpl_err *err, int r, const char *what, const char *last)
{
	return last[0] ? HPL_FAIL(err, 0, -r, "%s: %s", what, last) : HPL_FAIL(err, 0, -r, "%s", what);
}

/* last: 256 characters, gets what libcryptsetup says. */
static int open_crypt(struct crypt_device **ret, const char *device, char *last, struct hpl_err *err)
{
	int r = crypt_init(ret, device);

	if (r < 0)
		return HPL_FAIL(err, 0, -r, "cannot open %s", device);
	crypt_set_log_callback(*ret, keep_last, last);
	return 0;
}

static int format_with(const char *device, uint32_t sector_size, const struct hpl_secret *pass,
	char *ret_uuid, struct hpl_err *err)
{
	struct crypt_pbkdf_type kdf = {.type = CRYPT_KDF_PBKDF2, .hash = "sha256",
		.iterations = 1000, .flags = CRYPT_PBKDF_NO_BENCHMARK};
	struct crypt_params_luks2 params = {.pbkdf = &kdf, .sector_size = sector_size};
	struct crypt_device *cd;
	char last[256] = "";
	int r;

	if (open_crypt(&cd, device, last, err) < 0)
		return -1;
	/* no volume key given: libcryptsetup draws a random one */
	r = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, 64, &params);
	if (r < 0)
		r = crypt_fail(err, r, "cannot write the LUKS header", last);
	else if ((r = crypt_keyslot_add_by_volume_key(cd, 0, NULL, 0, (const char *)pass->data,
			  pass->len)) < 0)
		r = crypt_fail(err, r, "cannot make the key slot", last);
	else
		snprintf(ret_uuid, 37, "%s", crypt_get_uuid(cd));
	crypt_free(cd);
	return r < 0 ? -1 : 0;
}

int hpl_rootdisk_format(const char *device, const struct hpl_secret *passphrase, char *ret_uuid,
	struct hpl_err *err)
{
	if (format_with(device, 4096, passphrase, ret_uuid, NULL) == 0)
		return 0;
	return format_with(device, 512, passphrase, ret_uuid, err);
}

int hpl_rootdisk_open(const char *device, const char *name, const struct hpl_secret *passphrase,
	struct hpl_err *err)
{
	struct crypt_device *cd;
	char last[256] = "";
	int r;

	if (open_crypt(&cd, device, last, err) < 0)
		return -1;
	if ((r = crypt_load(cd, CRYPT_LUKS2, NULL)) < 0)
		r = crypt_fail(err, r, "cannot read the LUKS header", last);
	else if ((r = crypt_activate_by_passphrase(cd, name, 0, (const char *)passphrase->data,
			  passphrase->len, CRYPT_ACTIVATE_NO_READ_WORKQUEUE)) < 0)
		r = crypt_fail(err, r, "cannot open the LUKS volume", last);
	crypt_free(cd);
	return r < 0 ? -1 : 0;
}

int hpl_rootdisk_mkfs(const char *device, struct hpl_err *err)
{
	const char *const argv[] = {"/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0",
		"-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", device, NULL};
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 120000, .out = &out, .out_limit = 512};
	int status = 0;

	if (hpl_proc_run(&p, &status, err) < 0)
		return HPL_WRAP(err, 0, "mke2fs");
	if (status != 0)
		return HPL_FAIL(err, 0, 0, "mke2fs ended with %d: %s", status, out.data ? out.data : "");
	return 0;
}
