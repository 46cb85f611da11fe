/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/luks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "proto/messages.h"

enum { LABEL_MAX = 47, LOG_TEXT = 256 };

/* libcryptsetup says the reason of a failure only through its log. */
static _Thread_local char last_log[LOG_TEXT];

static void keep_log(int level, const char *msg, void *ud)
{
	(void)ud;
	if (level == CRYPT_LOG_ERROR)
		snprintf(last_log, sizeof last_log, "%.*s", (int)strcspn(msg, "\n"), msg);
}

static int fail(struct hpl_err *err, uint32_t msg, int r, const char *what)
{
	return HPL_FAIL(err, msg, r < 0 ? -r : 0, "%s%s%s", what, last_log[0] ? ": " : "", last_log);
}

static int init(struct crypt_device **ret, const char *device, struct hpl_err *err)
{
	int r;

	last_log[0] = 0;
	crypt_set_log_callback(NULL, keep_log, NULL);
	r = crypt_init(ret, device);
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, r, device);
	crypt_set_log_callback(*ret, keep_log, NULL);
	return 0;
}

/* Large sectors are three times faster; they need a data area of whole 4 KiB blocks. Explicit,
 * because the library's own choice differs between a file and a disk. */
static uint32_t choose_sector_size(const char *device)
{
	_cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint64_t size = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 512;
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	else if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return 512;
	return size % 4096 ? 512 : 4096;
}

static int set_token(struct crypt_device *cd, int token, const char *state, bool table_made)
{
	char json[160];

	snprintf(json, sizeof json,
		"{\"type\":\"" HPL_TOKEN_TYPE "\",\"keyslots\":[],\"state\":\"%s\",\"table\":\"%s\"}",
		state, table_made ? "made" : "found");
	return crypt_token_json_set(cd, token, json);
}

static struct crypt_pbkdf_type fixed_cost(uint32_t memory_kb)
{
	return (struct crypt_pbkdf_type){
		.type = CRYPT_KDF_ARGON2ID,
		.hash = "sha256",
		.iterations = HPL_LUKS_PASSES,
		.max_memory_kb = memory_kb,
		.parallel_threads = 1,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
}

int hpl_luks_format(const char *device, const struct hpl_secret *passphrase,
	const struct hpl_luks_params *params, struct hpl_err *err)
{
	_cleanup_luks_ struct crypt_device *cd = NULL;
	char label[LABEL_MAX + 1];
	struct crypt_pbkdf_type pbkdf = fixed_cost(params->memory_kb);
	struct crypt_params_luks2 luks2 = {
		.pbkdf = &pbkdf,
		.sector_size = choose_sector_size(device),
		.label = label,
		.subsystem = "hpl",
	};
	int r;

	snprintf(label, sizeof label, "%s", params->label);
	if (init(&cd, device, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_FORMAT_FAILED, "cannot make the header");
	r = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, HPL_LUKS_KEY_BYTES,
		&luks2);
	if (r >= 0) /* before a key exists, so that nothing can be stored in an unmarked volume */
		r = set_token(cd, CRYPT_ANY_TOKEN, "making", params->table_made);
	if (r >= 0)
		r = crypt_keyslot_add_by_volume_key(cd, CRYPT_ANY_SLOT, NULL, 0,
			(const char *)passphrase->data, passphrase->len);
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_FORMAT_FAILED, r, device);
	return 0;
}

int hpl_luks_load(struct crypt_device **ret, struct hpl_header *header, const char *device,
	uint64_t device_size, struct hpl_err *err)
{
	_cleanup_luks_ struct crypt_device *cd = NULL;
	const char *json = NULL;
	int r;

	if (init(&cd, device, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, "cannot read the header");
	r = crypt_load(cd, CRYPT_LUKS2, NULL);
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, r,
			"no LUKS2 header can be loaded");
	r = crypt_dump_json(cd, &json, 0);
	if (r < 0 || !json)
		return fail(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, r, "the header cannot be read");
	if (hpl_header_check(header, json, strlen(json), device_size, err) < 0)
		return -1;
	/* what the library will use, beside what the JSON says */
	if (!hpl_streq(crypt_get_cipher(cd), "aes") ||
		!hpl_streq(crypt_get_cipher_mode(cd), "xts-plain64") ||
		(header->keyslots && crypt_get_volume_key_size(cd) != HPL_LUKS_KEY_BYTES) ||
		crypt_get_sector_size(cd) != (int)header->sector_size ||
		crypt_get_data_offset(cd) * 512 != header->data_offset)
		return HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0,
			"cipher, key size or offset differ from the header's text");
	*ret = TAKE(cd);
	return 0;
}

static int roll(struct crypt_device *cd, const struct hpl_secret *passphrase,
	const struct hpl_secret *previous, struct hpl_err *err)
{
	struct crypt_pbkdf_type pbkdf = fixed_cost(HPL_LUKS_MEMORY_KB);
	int r = crypt_set_pbkdf_type(cd, &pbkdf); /* the library would run its benchmark */

	if (r == 0)
		r = crypt_keyslot_change_by_passphrase(cd, CRYPT_ANY_SLOT, CRYPT_ANY_SLOT,
			(const char *)previous->data, previous->len,
			(const char *)passphrase->data, passphrase->len);
	if (r == -EPERM) {
		HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0,
			"neither the seeds nor the previous seeds open a key slot");
		hpl_err_cure(err, "give the seeds that the volume was made with");
		return -1;
	}
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, r,
			"from the previous seeds to the new ones");
	return 0;
}

static int activate(struct crypt_device *cd, const char *mapping, const struct hpl_secret *p)
{
	return crypt_activate_by_passphrase(cd, mapping, CRYPT_ANY_SLOT, (const char *)p->data,
		p->len, 0);
}

int hpl_luks_open(struct crypt_device *cd, const char *mapping, const struct hpl_secret *passphrase,
	const struct hpl_secret *previous, struct hpl_err *err)
{
	int r;

	last_log[0] = 0;
	r = activate(cd, mapping, passphrase);
	if (r == -EPERM && previous && previous->len) {
		if (roll(cd, passphrase, previous, err) < 0)
			return -1;
		r = activate(cd, mapping, passphrase);
	}
	if (r == -EPERM) {
		HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0,
			"the passphrase made of the seeds of env and workload opens no key slot");
		hpl_err_cure(err, "give both seeds that the volume was made with; a new seed needs the "
				  "old one as previousSeed");
		return -1;
	}
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, r, "cannot open");
	return 0;
}

int hpl_luks_mark_ready(struct crypt_device *cd, bool table_made, struct hpl_err *err)
{
	int r = set_token(cd, 0, "ready", table_made); /* the check allows token 0 only */

	if (r < 0)
		return fail(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, r, "cannot mark the volume complete");
	return 0;
}

int hpl_luks_close(struct crypt_device *cd, const char *mapping, struct hpl_err *err)
{
	int r = crypt_deactivate(cd, mapping);

	if (r < 0)
		return fail(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, r, "cannot close the mapping");
	return 0;
}
