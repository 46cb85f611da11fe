// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "runtime/base/file.h"

/* never prompt for a passphrase: the console is no input */
static int no_passphrase(char *buf, int size, int rwflag, void *ud)
{
	return 0;
}

int hpl_keys_load(EVP_PKEY **ret, const char *path, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf pem = {.wipe = 1};

	if (hpl_file_read(&pem, path, 64 << 10, err) < 0)
		return -1;
	BIO *bio = BIO_new_mem_buf(pem.data ? pem.data : "", (int)pem.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	if (!key)
		return HPL_FAIL(err, 0, 0, "%s holds no PEM private key", path);
	*ret = key;
	return 0;
}

int hpl_keys_destroy(const char *path, struct hpl_err *err)
{
	static const char zeros[4096];
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : HPL_FAIL(err, 0, errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return HPL_FAIL(err, 0, 0, "%s is no regular file", path);
	for (off_t left = st.st_size; left > 0;) {
		size_t n = left > (off_t)sizeof(zeros) ? sizeof(zeros) : (size_t)left;
		if (hpl_write_all(fd, zeros, n, err) < 0)
			return -1;
		left -= (off_t)n;
	}
	if (unlink(path) < 0)
		return HPL_FAIL(err, 0, errno, "cannot remove %s", path);
	return 0;
}
