/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/keyfile_fs.h"

#include <errno.h>
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "runtime/base/key_limits.h"

static const char file_name[] = "keyfile";

static int fault(struct hpl_err *err, errcode_t rc, const char *doing)
{
	return HPL_FAIL(err, 0, 0, "%s: %s", doing, error_message(rc));
}

static void file_close(ext2_file_t *f)
{
	if (*f)
		(void)ext2fs_file_close(*f);
}

/* What was not flushed is forgotten. */
static void fs_free(ext2_filsys *fs)
{
	if (*fs)
		ext2fs_free(*fs);
}

/* The file system owns a copy of fd. */
static errcode_t fs_open(ext2_filsys *ret, int fd, uint64_t offset, int flags)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	char name[16], options[40];
	errcode_t rc;

	initialize_ext2_error_table();
	if (own < 0)
		return errno;
	snprintf(name, sizeof(name), "%d", own);
	snprintf(options, sizeof(options), "offset=%llu", (unsigned long long)offset);
	rc = ext2fs_open2(name, offset ? options : NULL, flags | EXT2_FLAG_64BITS, 0, 0,
		unixfd_io_manager, ret);
	if (rc)
		*ret = NULL;
	return rc;
}

/* ---- reading ---- */

static int read_file(struct hpl_buf *out, ext2_filsys fs, ext2_ino_t ino, struct hpl_err *err)
{
	HPL_CLEANUP(file_close) ext2_file_t f = NULL;
	struct ext2_inode inode;
	errcode_t rc = ext2fs_read_inode(fs, ino, &inode);
	char bytes[4096];
	unsigned got = 0;

	if (!rc && !LINUX_S_ISREG(inode.i_mode))
		return HPL_FAIL(err, 0, 0, "%s is no regular file", file_name);
	if (!rc && EXT2_I_SIZE(&inode) > HPL_KEY_BLOB_MAX)
		return HPL_FAIL(err, 0, 0, "%s has %llu bytes, at most %d are taken", file_name,
			(unsigned long long)EXT2_I_SIZE(&inode), HPL_KEY_BLOB_MAX);
	if (!rc)
		rc = ext2fs_file_open(fs, ino, 0, &f);
	for (size_t left = HPL_KEY_BLOB_MAX; !rc && left; left -= got) {
		rc = ext2fs_file_read(f, bytes, (unsigned)(left < sizeof(bytes) ? left : sizeof(bytes)), &got);
		if (rc || !got)
			break;
		hpl_buf_add(out, bytes, got);
	}
	if (rc)
		return fault(err, rc, "reading it");
	if (out->failed)
		return HPL_OOM(err);
	return out->len ? 0 : HPL_KEYFILE_NONE;
}

int hpl_keyfile_fs_read(struct hpl_buf *out, int fd, uint64_t offset, struct hpl_err *err)
{
	HPL_CLEANUP(fs_free) ext2_filsys fs = NULL;
	ext2_ino_t ino = 0;
	errcode_t rc = fs_open(&fs, fd, offset, EXT2_FLAG_IGNORE_CSUM_ERRORS);

	if (rc == EXT2_ET_BAD_MAGIC)
		return HPL_KEYFILE_NO_FS;
	if (rc)
		return fault(err, rc, "not a readable ext4");
	rc = ext2fs_lookup(fs, EXT2_ROOT_INO, file_name, sizeof(file_name) - 1, NULL, &ino);
	if (rc == EXT2_ET_FILE_NOT_FOUND)
		return ext2fs_has_feature_journal_needs_recovery(fs->super) ? HPL_KEYFILE_UNCLEAN :
			HPL_KEYFILE_NONE;
	if (rc)
		return fault(err, rc, "its root directory");
	return read_file(out, fs, ino, err);
}

/* ---- writing ---- */

/* A file that no name leads to yet. */
static errcode_t new_file(ext2_filsys fs, ext2_ino_t *ret, const void *data, size_t len)
{
	HPL_CLEANUP(file_close) ext2_file_t f = NULL;
	struct ext2_inode inode = {
		.i_mode = LINUX_S_IFREG | 0600,
		.i_links_count = 1,
	};
	ext2_extent_handle_t extents;
	unsigned written = 0;
	errcode_t rc = ext2fs_new_inode(fs, EXT2_ROOT_INO, inode.i_mode, NULL, ret);

	if (rc)
		return rc;
	inode.i_atime = inode.i_ctime = inode.i_mtime = (uint32_t)time(NULL);
	ext2fs_inode_alloc_stats2(fs, *ret, +1, 0);
	rc = ext2fs_write_new_inode(fs, *ret, &inode);
	if (!rc && ext2fs_has_feature_extents(fs->super)) {
		inode.i_flags |= EXT4_EXTENTS_FL;
		rc = ext2fs_extent_open2(fs, *ret, &inode, &extents); /* writes the empty tree */
		if (!rc)
			ext2fs_extent_free(extents);
	}
	if (!rc)
		rc = ext2fs_file_open2(fs, *ret, &inode, EXT2_FILE_WRITE, &f);
	if (!rc)
		rc = ext2fs_file_write(f, data, (unsigned)len, &written);
	if (!rc && written != len)
		rc = EXT2_ET_SHORT_WRITE;
	return rc ? rc : ext2fs_file_flush(f);
}

static int to_inode(ext2_ino_t dir, int entry, struct ext2_dir_entry *e, int offset, int block_size,
	char *buf, void *ud)
{
	const ext2_ino_t *ino = ud;

	if (ext2fs_dirent_name_len(e) != (int)sizeof(file_name) - 1 ||
		memcmp(e->name, file_name, sizeof(file_name) - 1) != 0)
		return 0;
	e->inode = *ino;
	return DIRENT_CHANGED | DIRENT_ABORT;
}

static errcode_t name_file(ext2_filsys fs, ext2_ino_t ino, ext2_ino_t old)
{
	errcode_t rc;

	if (old)
		return ext2fs_dir_iterate2(fs, EXT2_ROOT_INO, 0, NULL, to_inode, &ino);
	rc = ext2fs_link(fs, EXT2_ROOT_INO, file_name, ino, EXT2_FT_REG_FILE);
	if (rc != EXT2_ET_DIR_NO_SPACE)
		return rc;
	rc = ext2fs_expand_dir(fs, EXT2_ROOT_INO);
	return rc ? rc : ext2fs_link(fs, EXT2_ROOT_INO, file_name, ino, EXT2_FT_REG_FILE);
}

static errcode_t release(ext2_filsys fs, ext2_ino_t ino)
{
	struct ext2_inode inode;
	errcode_t rc = ext2fs_read_inode(fs, ino, &inode);

	if (rc || (inode.i_links_count && --inode.i_links_count))
		return rc ? rc : ext2fs_write_inode(fs, ino, &inode);
	inode.i_dtime = (uint32_t)time(NULL);
	rc = ext2fs_write_inode(fs, ino, &inode);
	if (!rc)
		rc = ext2fs_punch(fs, ino, &inode, NULL, 0, ~0ULL);
	if (!rc)
		ext2fs_inode_alloc_stats2(fs, ino, -1, 0);
	return rc;
}

/* The inode that has the name now, 0: none. A directory or a device of that name is left alone. */
static int old_file(ext2_filsys fs, ext2_ino_t *ret, struct hpl_err *err)
{
	struct ext2_inode inode;
	errcode_t rc = ext2fs_lookup(fs, EXT2_ROOT_INO, file_name, sizeof(file_name) - 1, NULL, ret);

	if (rc == EXT2_ET_FILE_NOT_FOUND) {
		*ret = 0;
		return 0;
	}
	if (rc || ext2fs_read_inode(fs, *ret, &inode))
		return HPL_KEYFILE_UNCLEAN;
	if (!LINUX_S_ISREG(inode.i_mode))
		return HPL_FAIL(err, 0, 0, "%s is no regular file", file_name);
	return 0;
}

/* What cannot be read was torn by a power cut, as long as e2fsck can mend it. */
static int put(ext2_filsys fs, const void *data, size_t len, struct hpl_err *err)
{
	ext2_ino_t old = 0, ino = 0;
	errcode_t rc;
	int r;

	if (ext2fs_read_bitmaps(fs))
		return HPL_KEYFILE_UNCLEAN;
	r = old_file(fs, &old, err);
	if (r)
		return r;
	rc = new_file(fs, &ino, data, len);
	if (!rc)
		rc = ext2fs_flush2(fs, 0);
	if (!rc)
		rc = name_file(fs, ino, old);
	if (!rc)
		rc = ext2fs_flush2(fs, 0);
	if (rc)
		return fault(err, rc, "writing it");
	/* the new one is there, whatever becomes of the old one */
	return (old && release(fs, old)) || ext2fs_flush2(fs, 0) ? HPL_KEYFILE_UNCLEAN : 0;
}

static bool clean(const struct ext2_super_block *s)
{
	return (s->s_state & EXT2_VALID_FS) && !(s->s_state & EXT2_ERROR_FS) &&
		!(s->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER);
}

static bool same(int fd, const void *data, size_t len)
{
	_cleanup_buf_ struct hpl_buf now = HPL_BUF_NULL;

	return hpl_keyfile_fs_read(&now, fd, 0, NULL) == 0 && now.len == len &&
		memcmp(now.data, data, len) == 0;
}

int hpl_keyfile_fs_write(int fd, const void *data, size_t len, struct hpl_err *err)
{
	HPL_CLEANUP(fs_free) ext2_filsys fs = NULL;
	errcode_t rc;

	if (!len || len > HPL_KEY_BLOB_MAX)
		return HPL_FAIL(err, 0, 0, "a keyfile of %zu bytes", len);
	if (same(fd, data, len))
		return 0;
	rc = fs_open(&fs, fd, 0, EXT2_FLAG_RW);
	if (rc == EXT2_ET_SB_CSUM_INVALID || (!rc && !clean(fs->super)))
		return HPL_KEYFILE_UNCLEAN;
	if (rc)
		return fault(err, rc, "not an ext4 that can be written");
	return put(fs, data, len, err);
}
