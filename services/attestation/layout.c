/* SPDX-License-Identifier: Apache-2.0 */
#include "services/attestation/layout.h"

#include <errno.h>
#include <sodium/crypto_hash_sha256.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/file.h"

enum { FILE_LIMIT = 32 << 20 }; /* a contract has at most 16 MiB */

struct item {
	const char *from, *to;
	bool needed;
};

static const struct item plain_items[] = {
	{"se-signature.bin", "se-signature.bin", true},
	{"se-version", "se-version", true},
	{"certificate_expiry_date.json", "certificate_expiry_date.json", true},
	{"meta-data", "cidata/meta-data", true},
	{"vendor-data", "cidata/vendor-data", false},
};
static const struct item classic_items[] = {
	{"user-data.decrypted", "user-data.decrypted", true},
	{"user-data", "cidata/user-data", true},
};
static const char *const records[] = {"se-checksums.txt", "se-checksums.txt.enc"};

static int read_file(struct hpl_buf *ret, const char *dir, const char *name, struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);

	return path ? hpl_file_read(ret, path, FILE_LIMIT, err) : HPL_OOM(err);
}

static int write_file(const struct hpl_layout *l, const char *name, const struct hpl_buf *data,
	struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(l->out, name);

	return path ? hpl_file_write(path, data->data ? data->data : "", data->len, 0644, err) :
		HPL_OOM(err);
}

static int copy_items(const struct hpl_layout *l, const char *from, const struct item *items,
	size_t count, struct hpl_err *err)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct hpl_buf data = {.wipe = 1};
		struct hpl_err own = HPL_ERR_NULL;

		if (read_file(&data, from, items[i].from, &own) < 0) {
			if (!items[i].needed && own.sys == ENOENT)
				continue;
			if (err)
				*err = own;
			return -1;
		}
		if (write_file(l, items[i].to, &data, err) < 0)
			return -1;
	}
	return 0;
}

static void hex_sha256(char out[HPL_LAYOUT_HASH], const struct hpl_buf *data)
{
	unsigned char sum[crypto_hash_sha256_BYTES];

	/* by libsodium, which the bus has already: libcrypto would double the time that the start takes */
	crypto_hash_sha256(sum, (const unsigned char *)(data->data ? data->data : ""), data->len);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* Exactly one of the two forms is there (facts 3.1). */
static int copy_record(const struct hpl_layout *l, char ret_hash[HPL_LAYOUT_HASH],
	const char **ret_name, struct hpl_err *err)
{
	const char *found = NULL;
	_cleanup_buf_ struct hpl_buf data = HPL_BUF_NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(records); i++) {
		_cleanup_free_ char *path = hpl_path_join(l->boot, records[i]);

		if (!path)
			return HPL_OOM(err);
		if (access(path, F_OK) < 0)
			continue;
		if (found)
			return HPL_FAIL(err, 0, 0, "the record is there both plain and encrypted");
		found = records[i];
	}
	if (!found)
		return HPL_FAIL(err, 0, ENOENT, "%s has no se-checksums.txt", l->boot);
	if (read_file(&data, l->boot, found, err) < 0 || write_file(l, found, &data, err) < 0)
		return -1;
	hex_sha256(ret_hash, &data);
	*ret_name = found;
	return 0;
}

/* The launcher makes the folder for this service alone; workloads of any user must read it. */
static int make_dirs(const struct hpl_layout *l, struct hpl_err *err)
{
	_cleanup_free_ char *cidata = hpl_path_join(l->out, "cidata");

	if (!cidata)
		return HPL_OOM(err);
	if (hpl_mkdir_p(l->out, 0755, err) < 0 || hpl_mkdir_p(cidata, 0755, err) < 0)
		return -1;
	if (chmod(l->out, 0755) < 0 || chmod(cidata, 0755) < 0)
		return HPL_FAIL(err, 0, errno, "cannot open %s for workloads", l->out);
	return 0;
}

int hpl_layout_make(const struct hpl_layout *l, char ret_hash[HPL_LAYOUT_HASH],
	const char **ret_name, struct hpl_err *err)
{
	char hash[HPL_LAYOUT_HASH];
	const char *name = NULL;

	if (make_dirs(l, err) < 0 || copy_record(l, hash, &name, err) < 0 ||
		copy_items(l, l->boot, plain_items, HPL_ARRAY_SIZE(plain_items), err) < 0)
		return -1;
	if (l->classic && copy_items(l, l->contract, classic_items, HPL_ARRAY_SIZE(classic_items), err) < 0)
		return -1;
	memcpy(ret_hash, hash, sizeof(hash));
	*ret_name = name;
	return 0;
}
