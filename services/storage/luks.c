/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/luks.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "proto/messages.h"

enum { LABEL_MAX = 47, LOG_TEXT = 256, PATH_TEXT = 64, METADATA_BYTES = 16 << 10 };

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

void hpl_luks_done(struct hpl_luks *l)
{
	crypt_free(l->cd);
	hpl_secret_done(&l->key);
	hpl_luks2_done(&l->area);
	if (l->fd >= 0)
		close(l->fd);
	*l = HPL_LUKS_NULL;
}

int hpl_luks_init(struct hpl_luks *l, const char *device, uint64_t device_size, struct hpl_err *err)
{
	snprintf(l->device, sizeof(l->device), "%s", device);
	l->device_size = device_size;
	l->fd = open(device, (l->read_only ? O_RDONLY : O_RDWR) | (l->direct ? O_DIRECT : 0) | O_CLOEXEC);
	if (l->fd < 0 && errno == EINVAL && l->direct) /* files on some filesystems cannot */
		l->fd = open(device, (l->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (l->fd < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno, "cannot open %s", device);
	return 0;
}

/* The library on the header in memory, the data on the device. */
static int attach(struct hpl_luks *l, struct hpl_err *err)
{
	char path[PATH_TEXT];
	int r;

	crypt_free(TAKE(l->cd));
	last_log[0] = 0;
	hpl_luks2_path(&l->area, path, sizeof(path));
	crypt_set_log_callback(NULL, keep_log, NULL);
	r = crypt_init_data_device(&l->cd, path, l->device);
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, r, l->device);
	crypt_set_log_callback(l->cd, keep_log, NULL);
	return 0;
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

/* ---- the MAC of the header ---- */

/* From the volume key, not from the passphrase: a fast function of seeds would be a way round the
 * costly one. HKDF with SHA-256 (RFC 5869). */
static int mac_key(uint8_t out[HPL_RECORD_MAC], const struct hpl_luks *l)
{
	static char info[] = "openhpl LUKS2 header";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, l->key.data, l->key.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)l->record.salt,
			sizeof(l->record.salt)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
		OSSL_PARAM_construct_end(),
	};
	int r = ctx && EVP_KDF_derive(ctx, out, HPL_RECORD_MAC, params) == 1 ? 0 : -1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return r;
}

/* pending: of the header in memory, that is not on the disk yet */
static int header_mac(uint8_t out[HPL_RECORD_MAC], const struct hpl_luks *l, bool pending,
	struct hpl_err *err)
{
	uint8_t key[HPL_RECORD_MAC], digest[32];
	int r = pending ? hpl_luks2_digest_pending(digest, &l->area, l->device_size, err) :
		hpl_luks2_digest(digest, &l->area, err);

	if (r < 0)
		return -1;
	r = mac_key(key, l) == 0 && HMAC(EVP_sha256(), key, sizeof(key), digest, sizeof(digest), out, NULL) ?
		0 : HPL_FAIL(err, 0, 0, "the MAC of the header cannot be made");
	hpl_wipe(key, sizeof(key));
	return r;
}

/* The MAC of the header as it is on the disk, into the record in memory. */
static int take_mac(struct hpl_luks *l, struct hpl_err *err)
{
	if (!l->record_at)
		return 0;
	if (header_mac(l->record.mac, l, false, err) < 0)
		return -1;
	l->record.has_mac = true;
	l->record.has_next = false;
	return 0;
}

int hpl_luks_seal(struct hpl_luks *l, enum hpl_record_state state, struct hpl_err *err)
{
	struct hpl_record *r = &l->record;
	bool same = r->sequence && r->state == state && r->data_size == l->device_size &&
		l->sealed && hpl_streq(r->uuid, l->area.uuid);
	bool twice = r->stale || r->state != state;

	if (!l->record_at || (same && !r->stale))
		return 0;
	r->state = state;
	r->data_size = l->device_size;
	memcpy(r->uuid, l->area.uuid, sizeof(r->uuid));
	if (hpl_record_write(r, l->record_fd, l->record_at, err) < 0 ||
		(twice && hpl_record_write(r, l->record_fd, l->record_at, err) < 0))
		return -1;
	r->stale = false;
	return 0;
}

/* Is the header the one that was sealed? One that was being written when the power went is, too, and is the
 * sealed one from here on: a next change has its own MAC to announce. */
static int check_mac(struct hpl_luks *l, struct hpl_err *err)
{
	struct hpl_record *r = &l->record;
	uint8_t mac[HPL_RECORD_MAC];

	if (!l->record_at || !r->has_mac)
		return 0;
	if (header_mac(mac, l, false, err) < 0)
		return -1;
	l->sealed = CRYPTO_memcmp(mac, r->mac, sizeof(mac)) == 0;
	if (l->sealed)
		return 0;
	if (r->has_next && CRYPTO_memcmp(mac, r->mac_next, sizeof(mac)) == 0) {
		memcpy(r->mac, mac, sizeof(mac));
		r->has_next = false;
		return 0;
	}
	HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_MAC, 0,
		"the LUKS header of %s is not the one that this volume was left with", l->device);
	hpl_err_cure(err, "restore header and first MiB of the disk from one backup");
	return -1;
}

/* Writes what was changed in memory. Its MAC is on the disk before, so that the header is known as
 * ours whichever of the two is found after a power cut. */
static int store(struct hpl_luks *l, struct hpl_err *err)
{
	bool has_mac = l->record_at && l->record.has_mac && l->record.sequence;

	if (has_mac) {
		if (header_mac(l->record.mac_next, l, true, err) < 0)
			return -1;
		l->record.has_next = true;
		if (hpl_record_write(&l->record, l->record_fd, l->record_at, err) < 0)
			return -1;
	}
	if (hpl_luks2_store(&l->area, l->fd, l->device_size, err) < 0)
		return -1;
	if (!has_mac)
		return 0;
	return take_mac(l, err) < 0 ? -1 : hpl_record_write(&l->record, l->record_fd, l->record_at, err);
}

/* ---- make and load ---- */

static int format(struct hpl_luks *l, const char *name, const struct hpl_secret *passphrase)
{
	char label[LABEL_MAX + 1];
	struct crypt_pbkdf_type pbkdf = fixed_cost(l->memory_kb);
	/* Large sectors are three times faster; they need a data area of whole 4 KiB blocks. */
	struct crypt_params_luks2 luks2 = {.pbkdf = &pbkdf, .label = label, .subsystem = "hpl",
		.sector_size = l->device_size % 4096 ? 512 : 4096, .data_device = l->device};
	int r;

	snprintf(label, sizeof label, "%s", name);
	r = crypt_set_metadata_size(l->cd, METADATA_BYTES,
		HPL_LUKS_HEADER_BYTES - 2 * METADATA_BYTES);
	if (r == 0)
		r = crypt_set_data_offset(l->cd, HPL_LUKS_HEADER_BYTES / 512);
	if (r == 0)
		r = crypt_format(l->cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL,
			HPL_LUKS_KEY_BYTES, &luks2);
	if (r == 0)
		r = crypt_keyslot_add_by_volume_key(l->cd, CRYPT_ANY_SLOT, NULL, 0,
			(const char *)passphrase->data, passphrase->len);
	return r;
}

int hpl_luks_make(struct hpl_luks *l, const char *label, const struct hpl_secret *passphrase,
	struct hpl_err *err)
{
	int r;

	hpl_luks2_done(&l->area);
	if (hpl_luks2_new(&l->area, HPL_LUKS_HEADER_BYTES, err) < 0 || attach(l, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_FORMAT_FAILED, "cannot make the header");
	r = format(l, label, passphrase);
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_FORMAT_FAILED, r, l->device);
	if (hpl_luks2_store(&l->area, l->fd, l->device_size, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_FORMAT_FAILED, "%s", l->device);
	return 0;
}

/* What the library will use, beside what the JSON said. It reads JSON by rules of its own, so what it
 * understood is judged again, and must be the same. */
static int check_loaded(struct hpl_luks *l, struct hpl_err *err)
{
	const struct hpl_header *h = &l->area.header;
	struct hpl_header used = {0};
	const char *json = NULL;

	if (crypt_dump_json(l->cd, &json, 0) < 0 || !json)
		return HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "the header cannot be examined");
	if (hpl_header_check(&used, json, strlen(json), l->device_size, err) < 0)
		return -1;
	if (!hpl_streq(crypt_get_cipher(l->cd), "aes") ||
		!hpl_streq(crypt_get_cipher_mode(l->cd), "xts-plain64") ||
		(h->keyslots && crypt_get_volume_key_size(l->cd) != HPL_LUKS_KEY_BYTES) ||
		crypt_get_sector_size(l->cd) != (int)h->sector_size ||
		crypt_get_data_offset(l->cd) * 512 != h->data_offset ||
		!hpl_streq(crypt_get_uuid(l->cd), l->area.uuid) || memcmp(&used, h, sizeof(used)) != 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0,
			"cipher, key size, offset or key slots differ from the header's text");
	return 0;
}

/* Such a partition can be left by a partition program that was not told of the sectors. Device-mapper
 * would refuse it later, for a reason that says nothing. */
static int check_whole_sectors(const struct hpl_luks *l, struct hpl_err *err)
{
	uint64_t data = l->device_size - l->area.header.data_offset;

	if (data % l->area.header.sector_size == 0)
		return 0;
	HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0, "%s: its data area of %llu bytes is not whole sectors of %u",
		l->device, (unsigned long long)data, l->area.header.sector_size);
	hpl_err_cure(err, "give the partition, or the disk, a size that is a multiple of %u bytes",
		l->area.header.sector_size);
	return -1;
}

int hpl_luks_load(struct hpl_luks *l, struct hpl_err *err)
{
	int r;

	hpl_luks2_done(&l->area);
	r = hpl_luks2_read(&l->area, l->fd, l->device_size, err);
	if (r)
		return r;
	if (attach(l, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, "cannot read the header");
	r = crypt_load(l->cd, CRYPT_LUKS2, NULL);
	if (r < 0)
		return fail(err, HPL_MSG_STORAGE_HEADER_REFUSED, r, "the header cannot be loaded");
	return check_loaded(l, err) < 0 ? -1 : check_whole_sectors(l, err);
}

/* ---- unlock ---- */

/* The slot, or a negative errno; the volume key goes to l->key. */
static int key_of(struct hpl_luks *l, const struct hpl_secret *p)
{
	size_t size = HPL_LUKS_KEY_BYTES;
	int r;

	hpl_secret_done(&l->key);
	if (hpl_secret_alloc(&l->key, size, NULL) < 0)
		return -ENOMEM;
	r = crypt_volume_key_get(l->cd, CRYPT_ANY_SLOT, (char *)l->key.data, &size,
		(const char *)p->data, p->len);
	if (r < 0)
		hpl_secret_done(&l->key);
	return r;
}

/* Does the disk, read anew, open with p? What is proved is what a next boot will find: not what the page
 * cache remembers of the writing. */
static int prove(const struct hpl_luks *l, const struct hpl_secret *p, struct hpl_err *err)
{
	_cleanup_luks_ struct hpl_luks again = HPL_LUKS_NULL;
	int r;

	again.read_only = again.direct = true;
	if (hpl_luks_init(&again, l->device, l->device_size, err) < 0 || hpl_luks_load(&again, err))
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE,
			"the header that was written");
	r = crypt_activate_by_passphrase(again.cd, NULL, CRYPT_ANY_SLOT, (const char *)p->data, p->len, 0);
	return r < 0 ? fail(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, r,
		"the new key slot does not open") : 0;
}

static int add_slot(struct hpl_luks *l, const struct hpl_secret *passphrase, struct hpl_err *err)
{
	struct crypt_pbkdf_type pbkdf = fixed_cost(l->memory_kb);
	int r = crypt_set_pbkdf_type(l->cd, &pbkdf); /* the library would run its benchmark */

	if (r == 0)
		r = crypt_keyslot_add_by_volume_key(l->cd, CRYPT_ANY_SLOT, (const char *)l->key.data,
			l->key.len, (const char *)passphrase->data, passphrase->len);
	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, r, "a slot for the new seeds");
	l->slot = r;
	if (store(l, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, "new seeds");
	return prove(l, passphrase, err);
}

static int remove_slot(struct hpl_luks *l, int slot, struct hpl_err *err)
{
	int r = crypt_keyslot_destroy(l->cd, slot);

	if (r < 0)
		return fail(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, r, "the old key slot");
	return store(l, err) < 0 ? HPL_WRAP(err, HPL_MSG_LUKS_LUKS_PASSWORD_CHANGE_FAILURE, "old seeds") : 0;
}

/* The same of the first one that opens a slot. */
static int key_of_any(struct hpl_luks *l, const struct hpl_secrets *list)
{
	int r = -EPERM;

	for (size_t i = 0; list && r == -EPERM && i < list->count; i++)
		r = key_of(l, &list->list[i]);
	return r;
}

static int sealed_slot(struct hpl_luks *l, int slot, struct hpl_err *err)
{
	if (slot >= 0 && check_mac(l, err) < 0)
		slot = -EBADMSG;
	hpl_secret_done(&l->key);
	return slot;
}

int hpl_luks_slot_of(struct hpl_luks *l, const struct hpl_secret *passphrase, struct hpl_err *err)
{
	return sealed_slot(l, key_of(l, passphrase), err);
}

int hpl_luks_slot_of_any(struct hpl_luks *l, const struct hpl_secrets *passphrases, struct hpl_err *err)
{
	return sealed_slot(l, key_of_any(l, passphrases), err);
}

static int not_opened(int r, bool had_previous, struct hpl_err *err)
{
	if (r != -EPERM)
		return fail(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, r, "cannot open");
	HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0, "%s", had_previous ?
		"no pair of the seeds and the previous seeds opens a key slot" :
		"the passphrase made of the seeds of env and workload opens no key slot");
	hpl_err_cure(err, had_previous ? "give as previousSeed what the volume was opened with last" :
		"give both seeds that the volume was made with; a new seed needs the old one as "
		"previousSeed");
	return -1;
}

/* Both open: a change was interrupted behind its first half. Else the previous seeds are old news. */
static int finish_change(struct hpl_luks *l, const struct hpl_secrets *previous, struct hpl_err *err)
{
	for (size_t i = 0; l->area.header.keyslots >= 2 && i < previous->count; i++) {
		const struct hpl_secret *p = &previous->list[i];
		int old = crypt_activate_by_passphrase(l->cd, NULL, CRYPT_ANY_SLOT, (const char *)p->data, p->len, 0);

		if (old >= 0 && old != l->slot && remove_slot(l, old, err) < 0)
			return -1;
	}
	return 0;
}

/* Only the previous seeds open: the new ones first, the old ones away when that is proved. */
static int change(struct hpl_luks *l, const struct hpl_secret *passphrase,
	const struct hpl_secrets *previous, struct hpl_err *err)
{
	int old = key_of_any(l, previous);

	if (old < 0)
		return not_opened(old, true, err);
	/* two whole copies first: the writes of the change begin with the one that may be the only one */
	if (check_mac(l, err) < 0 || (l->area.torn && store(l, err) < 0) || add_slot(l, passphrase, err) < 0)
		return -1;
	return remove_slot(l, old, err) < 0 ? -1 : finish_change(l, previous, err);
}

/* A slot that cryptsetup made on a large machine costs 1 GiB. Of such derivations one runs at a time, by a lock
 * on this very program: the memory of the service has room for one (manifest.yaml). Released by closing. */
static int take_turn(const struct hpl_luks *l)
{
	_cleanup_close_ int fd = -1;

	if (l->area.header.kdf_memory_kb > HPL_LUKS_MEMORY_LARGE_KB)
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
	return hpl_take_fd(&fd);
}

int hpl_luks_unlock(struct hpl_luks *l, const struct hpl_secret *passphrase,
	const struct hpl_secrets *previous, struct hpl_err *err)
{
	_cleanup_close_ int turn = take_turn(l);
	bool rolls = previous && previous->count;

	last_log[0] = 0;
	if (l->record_at && hpl_record_draw_salt(&l->record, err) < 0)
		return -1;
	l->slot = key_of(l, passphrase);
	if (l->slot == -EPERM && rolls) {
		if (change(l, passphrase, previous, err) < 0)
			return -1;
	} else if (l->slot < 0) {
		return not_opened(l->slot, false, err);
	} else if (check_mac(l, err) < 0 || (l->area.torn && store(l, err) < 0) ||
		(rolls && finish_change(l, previous, err) < 0)) {
		return -1; /* a torn copy was mended in memory when the library loaded it */
	}
	if (l->sealed) { /* its MAC was right, and store() keeps it so */
		l->record.has_next = false;
		return 0;
	}
	return take_mac(l, err);
}

/* Flags 0: none of dm-crypt's is faster in all kinds of access (docs/volumes.md), and no discards. */
int hpl_luks_activate(struct hpl_luks *l, const char *mapping, struct hpl_err *err)
{
	int r;

	last_log[0] = 0;
	r = crypt_activate_by_volume_key(l->cd, mapping, (const char *)l->key.data, l->key.len, 0);
	hpl_secret_done(&l->key);
	crypt_free(TAKE(l->cd)); /* it keeps the key of a header that it made */
	if (r == -EEXIST) { /* the mapping is named by the UUID of the header */
		fail(err, HPL_MSG_LUKS_ALREADY_IN_USE, r, "a volume with the same LUKS UUID is open");
		hpl_err_cure(err, "attach only one of a disk and its copy");
		return -1;
	}
	if (r < 0) { /* the passphrase was right */
		fail(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, r, "the kernel does not set up the mapping");
		hpl_err_cure(err, r == -EBUSY ? "unmount or detach what uses the disk" :
			"the kernel needs dm-crypt with aes-xts-plain64 (modprobe dm-crypt)");
		return -1;
	}
	return 0;
}

int hpl_luks_close(struct hpl_luks *l, const char *mapping, struct hpl_err *err)
{
	/* without a context the library would read the header from the disk, by rules of its own */
	int r = attach(l, err) < 0 ? -EINVAL : crypt_deactivate(l->cd, mapping);

	return r < 0 ? fail(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, r, "cannot close the mapping") : 0;
}
