// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/crypto/token.h"
#include "services/bootloader/expiry.h"

static int make(struct hpl_evidence *e, struct hpl_record *r, const struct hpl_buf *encrypt_crt,
	const struct hpl_buf *attestation_crt, EVP_PKEY *key, EVP_PKEY *auditor_key, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;

	if (hpl_expiry_of(&r->encrypt_not_after, encrypt_crt->data, encrypt_crt->len, err) < 0)
		return HPL_WRAP(err, 0, "encrypt.crt");
	if (hpl_expiry_of(&r->attest_not_after, attestation_crt->data, attestation_crt->len, err) < 0)
		return HPL_WRAP(err, 0, "attestation.crt");
	if (hpl_expiry_json(&e->expiry_json, r->encrypt_not_after, r->attest_not_after, err) < 0 ||
		hpl_measure_bytes(&r->expiry_json, e->expiry_json.data, e->expiry_json.len, err) < 0 ||
		hpl_record_text(&text, r, err) < 0 ||
		hpl_record_sign(&e->signature, &text, key, err) < 0)
		return -1;
	if (!auditor_key) {
		hpl_buf_add(&e->record, text.data, text.len);
	} else {
		e->encrypted = true;
		if (hpl_token_encrypt(&e->record, HPL_TOKEN_PREFIX, text.data, text.len, auditor_key,
			    err) < 0)
			return HPL_WRAP(err, HPL_MSG_BOOTLOADER_ENCRYPT_ATTESTATION,
				"attestationPublicKey");
	}
	return e->record.failed ? HPL_OOM(err) : 0;
}

int hpl_evidence_make(struct hpl_evidence *ret, struct hpl_record *r, const struct hpl_buf *encrypt_crt,
	const struct hpl_buf *attestation_crt, EVP_PKEY *attestation_key, EVP_PKEY *auditor_key,
	struct hpl_err *err)
{
	struct hpl_evidence e = {.encrypted = false};

	if (make(&e, r, encrypt_crt, attestation_crt, attestation_key, auditor_key, err) < 0) {
		hpl_evidence_done(&e);
		return -1;
	}
	*ret = e;
	return 0;
}

void hpl_evidence_done(struct hpl_evidence *e)
{
	hpl_buf_done(&e->expiry_json);
	hpl_buf_done(&e->record);
	hpl_buf_done(&e->signature);
}

static int put(int dir_fd, const char *name, const void *data, size_t len, mode_t mode, uid_t owner,
	struct hpl_err *err)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot make %s", name);
	if (hpl_write_all(fd, data ? data : "", len, err) < 0)
		return HPL_WRAP(err, 0, "%s", name);
	if (fchmod(fd, mode) < 0 || (owner && fchown(fd, owner, owner) < 0))
		return HPL_FAIL(err, 0, errno, "cannot set the owner of %s", name);
	return 0;
}

static int put_buf(int dir_fd, const char *name, const struct hpl_buf *b, struct hpl_err *err)
{
	return put(dir_fd, name, b->data, b->len, 0644, 0, err);
}

static int open_new_dir(const char *path, mode_t mode, struct hpl_err *err)
{
	if (hpl_mkdir_p(path, mode, err) < 0)
		return -1;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		HPL_FAIL(err, 0, errno, "cannot open %s", path);
	return fd;
}

static int write_contract(const char *boot_dir, const struct hpl_leave *l, struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(boot_dir, "contract");
	_cleanup_close_ int fd = path ? open_new_dir(path, 0700, err) : HPL_OOM(err);
	uid_t uid = l->contract_uid;

	if (fd < 0)
		return -1;
	if (put(fd, "user-data", l->cidata->user_data.data, l->cidata->user_data.len, 0600, uid, err) <
			0 ||
		put(fd, "user-data.decrypted", l->decrypted->data, l->decrypted->len, 0600, uid, err) <
			0)
		return -1;
	if (fchown(fd, uid, uid) < 0 || fchmod(fd, 0700) < 0)
		return HPL_FAIL(err, 0, errno, "cannot set the owner of %s", path);
	return 0;
}

int hpl_leave_write(const char *root, const struct hpl_leave *l, struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(root, "var/lib/hpl/boot");
	_cleanup_close_ int fd = path ? open_new_dir(path, 0755, err) : HPL_OOM(err);
	char version[64];

	if (fd < 0)
		return -1;
	snprintf(version, sizeof(version), "%s\n", l->build);
	if (put_buf(fd, "meta-data", &l->cidata->meta_data, err) < 0 ||
		put_buf(fd, "vendor-data", &l->cidata->vendor_data, err) < 0 ||
		(l->cidata->has_network_config &&
			put_buf(fd, "network-config", &l->cidata->network_config, err) < 0) ||
		put_buf(fd, l->evidence->encrypted ? "se-checksums.txt.enc" : "se-checksums.txt",
			&l->evidence->record, err) < 0 ||
		put_buf(fd, "se-signature.bin", &l->evidence->signature, err) < 0 ||
		put(fd, "se-version", version, strlen(version), 0644, 0, err) < 0 ||
		put_buf(fd, "certificate_expiry_date.json", &l->evidence->expiry_json, err) < 0 ||
		put_buf(fd, "encrypt.crt", l->encrypt_crt, err) < 0 ||
		put_buf(fd, "attestation.crt", l->attestation_crt, err) < 0)
		return -1;
	return write_contract(path, l, err);
}
