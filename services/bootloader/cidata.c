// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/cidata.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "schema/node.h"
#include "services/bootloader/sections.h"

/* 1: there is no such file */
static int read_one(struct hpl_buf *out, int dir_fd, const char *name, size_t limit,
	struct hpl_err *err)
{
	struct hpl_err e = HPL_ERR_NULL;
	struct stat st;
	_cleanup_close_ int fd =
		hpl_open_beneath(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, &e);

	if (fd < 0 && e.sys == ENOENT)
		return 1;
	if (fd < 0 || fstat(fd, &st) < 0)
		HPL_WRAP(&e, 0, "cidata/%s", name);
	else if (!S_ISREG(st.st_mode))
		HPL_FAIL(&e, 0, 0, "cidata/%s is no regular file", name);
	else if (hpl_file_read_fd(out, fd, limit, &e) == 0)
		return 0;
	else
		HPL_WRAP(&e, 0, "cidata/%s", name);
	if (err)
		*err = e;
	return -1;
}

static int read_all(struct hpl_cidata *c, int dir_fd, struct hpl_err *err)
{
	int r = read_one(&c->user_data, dir_fd, "user-data", HPL_USER_DATA_LIMIT, err);

	if (r > 0)
		HPL_FAIL(err, 0, 0, "the cidata device has no file user-data");
	if (r < 0 && err && err->sys == EFBIG)
		err->msg = HPL_MSG_CONTRACT_SIZE;
	if (r != 0) {
		hpl_err_cure(err, "put the contract at the top of the drive as user-data, at most 16 MiB");
		return -1;
	}
	if (read_one(&c->meta_data, dir_fd, "meta-data", HPL_CIDATA_FILE_LIMIT, err) < 0 ||
		read_one(&c->vendor_data, dir_fd, "vendor-data", HPL_CIDATA_FILE_LIMIT, err) < 0)
		return -1;
	r = read_one(&c->network_config, dir_fd, "network-config", HPL_CIDATA_FILE_LIMIT, err);
	c->has_network_config = r == 0;
	return r < 0 ? -1 : 0;
}

int hpl_cidata_read(struct hpl_cidata *ret, int dir_fd, struct hpl_err *err)
{
	struct hpl_cidata c = {.user_data = {.wipe = 1}};

	if (read_all(&c, dir_fd, err) < 0) {
		hpl_cidata_done(&c);
		if (err && !err->msg)
			err->msg = HPL_MSG_BOOTLOADER_INVALID_CONTRACT;
		return -1;
	}
	*ret = c;
	return 0;
}

bool hpl_cidata_wants(const struct hpl_cidata *c, const char *kind)
{
	const struct hpl_reader_limits limits = {.depth = 16, .nodes = 4096};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *n;

	if (!c->has_network_config || !c->network_config.data ||
		hpl_yaml_read(&doc, c->network_config.data, c->network_config.len, &limits,
		(struct hpl_pos){1, 1}, 0, NULL) < 0)
		return false;
	n = hpl_node_get(hpl_node_get(hpl_doc_root(doc), "network"), kind);
	return n && n->kind == HPL_MAP && n->map.count;
}

void hpl_cidata_done(struct hpl_cidata *c)
{
	hpl_buf_done(&c->user_data);
	hpl_buf_done(&c->meta_data);
	hpl_buf_done(&c->vendor_data);
	hpl_buf_done(&c->network_config);
}
