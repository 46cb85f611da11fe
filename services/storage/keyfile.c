/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/keyfile.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/key_limits.h"
#include "runtime/base/proc.h"
#include "services/storage/ext4.h"
#include "services/storage/keyfile_fs.h"

enum { RUN_MS = 60000, SAID = 512 };

/* 0, HPL_KEYFILE_NONE, HPL_KEYFILE_UNCLEAN, HPL_KEYFILE_NO_FS. -1: *err, without an id. */
static int run(struct hpl_proc *p, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf said = HPL_BUF_NULL;
	int status = -1;

	p->timeout_ms = RUN_MS;
	p->errout = &said;
	p->out_limit = HPL_KEY_BLOB_MAX;
	if (hpl_proc_run(p, &status, err) < 0)
		return -1;
	p->errout = NULL;
	if (status == 0 || status == HPL_KEYFILE_NONE || status == HPL_KEYFILE_UNCLEAN ||
		status == HPL_KEYFILE_NO_FS)
		return status;
	if (said.len && said.data[said.len - 1] == '\n')
		said.len--;
	if (!said.len)
		return HPL_FAIL(err, 0, 0, "%s ended with %d without a word", p->argv[0], status);
	return HPL_FAIL(err, 0, 0, "%.*s", (int)(said.len < SAID ? said.len : SAID), said.data);
}

int hpl_keyfile_get(struct hpl_buf *out, const struct hpl_keyfile_tool *t, const struct hpl_disk *d,
	struct hpl_err *err)
{
	char offset[24];
	const char *const argv[] = {t->program, "get", d->path, offset, NULL};
	struct hpl_proc p = {.argv = argv, .out = out};
	size_t before = out->len;
	int r;

	if (d->part_count < 1 || (d->kind != HPL_DISK_PARTITIONS && d->kind != HPL_DISK_MAKING))
		return 0;
	snprintf(offset, sizeof(offset), "%" PRIu64, d->parts[0].start);
	r = run(&p, err);
	if (r == 0 && out->failed)
		return HPL_OOM(err);
	if (r == 0 || r == HPL_KEYFILE_NONE)
		return 0;
	out->len = before;
	/* not yet a filesystem, or half of one; partitions made by hand, which are looked at before they are used */
	if (d->kind == HPL_DISK_MAKING || (r == HPL_KEYFILE_NO_FS && d->data_blank))
		return 0;
	if (r == HPL_KEYFILE_NO_FS)
		HPL_FAIL(err, 0, 0, "it holds no ext4");
	if (r == HPL_KEYFILE_UNCLEAN)
		HPL_FAIL(err, 0, 0, "its journal was not replayed, and shows no keyfile");
	HPL_WRAP(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, "the metadata partition of %s", d->path);
	hpl_err_cure(err, "check it outside with e2fsck; a volume with a key service does not open without its keyfile");
	return -1;
}

int hpl_keyfile_put(const struct hpl_keyfile_tool *t, const char *device, const void *data, size_t len,
	struct hpl_err *err)
{
	const char *const argv[] = {t->program, "put", device, NULL};
	struct hpl_proc p = {.argv = argv, .input = data, .input_len = len};
	int r = run(&p, err);

	/* a torn superblock, a journal that was not replayed; and what a killed writer left, an inode without a
	 * name, is one of those things that e2fsck -p leaves to a person */
	if (r == HPL_KEYFILE_UNCLEAN)
		r = hpl_ext4_repair(t->mkfs_dir, device) < 0 ? r : run(&p, err);
	if (r == 0)
		return 0;
	if (r > 0)
		HPL_FAIL(err, 0, 0, "its ext4 cannot be mended by e2fsck");
	HPL_WRAP(err, HPL_MSG_STORAGE_WRITE_TO_META_PARTITION_ERROR, "the keyfile on %s", device);
	hpl_err_cure(err, "check the disk, and the metadata partition with e2fsck; no volume is made with a seed "
		"that could not be kept");
	return -1;
}
