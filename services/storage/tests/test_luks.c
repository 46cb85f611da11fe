/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "services/storage/tests/luks_on.h"

enum { SIZE = 48 << 20 };

static char path[64], record_path[64];
static struct hpl_secret pass, wrong, other;
static int record_fd = -1;
static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/* at: where the record is, 0: none */
static struct hpl_luks device(uint64_t at)
{
	return luks_on(path, SIZE, 1024, record_fd, at);
}

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	close(make_disk(path, SIZE));
	record_fd = make_disk(record_path, 1 << 20);
	cr_assert_eq(hpl_secret_copy(&pass, text, 64, &err), 0);
	cr_assert_eq(hpl_secret_copy(&wrong, "not the passphrase", 18, &err), 0);
	cr_assert_eq(hpl_secret_copy(&other, "the next passphrase", 19, &err), 0);
	_cleanup_luks_ struct hpl_luks l = device(0);
	cr_assert_eq(hpl_luks_make(&l, "data", &pass, &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_secret_done(&pass);
	hpl_secret_done(&wrong);
	hpl_secret_done(&other);
	unlink(path);
	unlink(record_path);
	close(record_fd);
}

TestSuite(storage_luks, .init = setup, .fini = teardown, .timeout = 60);

static struct hpl_luks loaded(uint64_t at)
{
	struct hpl_luks l = device(at);
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_luks_load(&l, &err), 0, "%s", err.text);
	return l;
}

Test(storage_luks, a_new_header_has_the_documented_parameters)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	_cleanup_luks_ struct hpl_luks l = loaded(0);
	const struct hpl_header *h = &l.area.header;

	cr_assert_eq(h->keyslots, 1);
	cr_assert_eq(h->data_offset, 16 << 20);
	cr_assert_eq(h->sector_size, 4096);
	cr_assert(l.area.valid[0] && l.area.valid[1] && !l.area.torn);
	cr_assert_eq(RUN(&out, "/sbin/cryptsetup", "luksDump", path), 0);
	cr_assert(strstr(out.data, "argon2id") && strstr(out.data, "Time cost:  4") &&
		strstr(out.data, "Memory:     1024") && strstr(out.data, "Threads:    1"), "%s",
		out.data);
	cr_assert(strstr(out.data, "cipher: aes-xts-plain64"));
	cr_assert(strstr(out.data, "Label:         \tdata"), "%s", out.data);
}

Test(storage_luks, cryptsetup_opens_it_with_the_passphrase_and_with_no_other)
{
	const char *const argv[] = {"/sbin/cryptsetup", "open", "--test-passphrase", "--key-file=-",
		path, NULL};

	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(run_program(NULL, argv, "another"), 2);
}

static int unlock_any(uint64_t at, const struct hpl_secret *p, const struct hpl_secrets *previous,
	struct hpl_err *err)
{
	_cleanup_luks_ struct hpl_luks l = loaded(at);

	*err = HPL_ERR_NULL;
	int r = hpl_luks_unlock(&l, p, previous, err);
	return r == 0 && at ? hpl_luks_seal(&l, HPL_RECORD_READY, err) : r;
}

static int unlock(uint64_t at, const struct hpl_secret *p, const struct hpl_secret *previous,
	struct hpl_err *err)
{
	const struct hpl_secrets one = {{previous ? *previous : HPL_SECRET_NULL}, 1}; /* borrowed */

	return unlock_any(at, p, previous ? &one : NULL, err);
}

Test(storage_luks, the_wrong_passphrase_is_HPL02003E_with_its_cure)
{
	struct hpl_err err;

	cr_assert_eq(unlock(0, &pass, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(unlock(0, &wrong, NULL, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	cr_assert(err.cure[0]);
	cr_assert_null(strstr(err.text, "not the passphrase"));
}

Test(storage_luks, previous_seeds_are_changed_to_the_new_ones)
{
	struct hpl_err err;

	cr_assert_eq(unlock(4096, &other, &pass, &err), 0, "%s", err.text);
	cr_assert_eq(unlock(4096, &other, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(unlock(4096, &pass, NULL, &err), -1, "the old one is gone");
	cr_assert_eq(unlock(4096, &pass, &pass, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	cr_assert_eq(unlock(4096, &other, &pass, &err), 0, "the same contract in the next boot");
	_cleanup_luks_ struct hpl_luks l = loaded(0);
	cr_assert_eq(l.area.header.keyslots, 1);
}

/* A previous seed that an earlier change left makes pairs that never were. */
Test(storage_luks, the_one_of_several_previous_passphrases_that_opens_is_changed)
{
	const struct hpl_secrets last = {{wrong, other, pass}, 3}, first = {{pass, wrong, wrong}, 3},
		none = {{wrong, wrong, wrong}, 3};
	struct hpl_err err;

	cr_assert_eq(unlock_any(4096, &other, &none, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	cr_assert_eq(unlock(4096, &pass, NULL, &err), 0, "nothing was changed: %s", err.text);
	cr_assert_eq(unlock_any(4096, &other, &last, &err), 0, "%s", err.text);
	cr_assert_eq(unlock(4096, &pass, NULL, &err), -1);
	cr_assert_eq(unlock_any(4096, &other, &last, &err), 0, "its own passphrase among them removes nothing");
	cr_assert_eq(unlock_any(4096, &other, &first, &err), 0, "%s", err.text);
	_cleanup_luks_ struct hpl_luks l = loaded(0);
	cr_assert_eq(l.area.header.keyslots, 1);
}

Test(storage_luks, a_change_that_was_interrupted_is_finished)
{
	const struct hpl_secrets list = {{wrong, wrong, pass}, 3};
	const char *const argv[] = {"/sbin/cryptsetup", "luksAddKey", "-q", "--pbkdf", "argon2id",
		"--pbkdf-force-iterations", "4", "--pbkdf-memory", "1024", "--pbkdf-parallel", "1",
		"--key-file", record_path, path, NULL};
	struct hpl_err err;

	/* both slots are there, as after the first half */
	cr_assert_eq(hpl_file_write(record_path, text, 64, 0600, &err), 0);
	cr_assert_eq(run_program(NULL, argv, "the next passphrase"), 0);
	cr_assert_eq(unlock(0, &other, NULL, &err), 0, "%s", err.text);
	{
		_cleanup_luks_ struct hpl_luks l = loaded(0);
		cr_assert_eq(l.area.header.keyslots, 2, "nothing is removed without being told");
	}
	cr_assert_eq(unlock_any(0, &other, &list, &err), 0, "%s", err.text);
	cr_assert_eq(unlock(0, &pass, NULL, &err), -1);
	_cleanup_luks_ struct hpl_luks l = loaded(0);
	cr_assert_eq(l.area.header.keyslots, 1);
}

Test(storage_luks, a_header_that_was_exchanged_is_HPL07024E)
{
	const char *const argv[] = {"/sbin/cryptsetup", "config", "--label", "else", path, NULL};
	struct hpl_err err;

	cr_assert_eq(unlock(4096, &pass, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(unlock(4096, &pass, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(run_program(NULL, argv, NULL), 0);
	cr_assert_eq(unlock(4096, &pass, NULL, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_HEADER_MAC, "%s", err.text);
	cr_assert_eq(unlock(4096, &other, &pass, &err), -1, "nor are seeds changed then");
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_HEADER_MAC, "%s", err.text);
	_cleanup_luks_ struct hpl_luks l = loaded(4096);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_luks_slot_of(&l, &pass, &err), -EBADMSG, "nor is it promised");
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_HEADER_MAC, "%s", err.text);
	cr_assert_eq(hpl_luks_slot_of(&l, &wrong, &err), -EPERM);
}

Test(storage_luks, a_torn_copy_is_mended_from_the_other_one)
{
	struct hpl_err err;

	cr_assert_eq(unlock(4096, &pass, NULL, &err), 0, "%s", err.text);
	for (int copy = 0; copy < 2; copy++) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		cr_assert_eq(pwrite(fd, "torn", 4, copy * 16384 + 5000), 4);
		close(fd);
		{
			_cleanup_luks_ struct hpl_luks l = loaded(4096);
			cr_assert(l.area.torn && l.area.valid[!copy] && !l.area.valid[copy]);
		}
		cr_assert_eq(unlock(4096, &pass, NULL, &err), 0, "copy %d: %s", copy, err.text);
		_cleanup_luks_ struct hpl_luks l = loaded(4096);
		cr_assert(!l.area.torn && l.area.valid[0] && l.area.valid[1], "copy %d", copy);
	}
}

Test(storage_luks, a_header_of_cryptsetup_is_accepted)
{
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks2", "-q",
		"--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "1024",
		"--pbkdf-parallel", "1", "--key-file=-", path, NULL};
	struct hpl_err err;

	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(unlock(0, &pass, NULL, &err), 0, "%s", err.text);
}

static void assert_format_refused(const char *const *options)
{
	const char *argv[24] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks2", "-q", "--pbkdf",
		"pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file=-"};
	_cleanup_luks_ struct hpl_luks l = device(0);
	struct hpl_err err = HPL_ERR_NULL;
	size_t n = 10;

	for (; *options; options++)
		argv[n++] = *options;
	argv[n++] = path;
	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(hpl_luks_load(&l, &err), -1, "%s", argv[11]);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_HEADER_REFUSED, "%s", err.text);
}

Test(storage_luks, a_data_area_of_no_whole_sectors_is_HPL02003E_and_only_then)
{
	for (uint64_t more = 0; more <= 4096; more += 512) {
		_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
		struct hpl_err err = HPL_ERR_NULL;
		bool whole = more % 4096 == 0;

		cr_assert_eq(truncate(path, (off_t)(SIZE + more)), 0);
		cr_assert_eq(hpl_luks_init(&l, path, SIZE + more, &err), 0);
		cr_assert_eq(hpl_luks_load(&l, &err), whole ? 0 : -1, "%lu", (unsigned long)more);
		cr_assert(whole || (err.msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED && strstr(err.cure, "4096")), "%s", err.text);
	}
}

Test(storage_luks, real_headers_with_other_ciphers_are_refused)
{
	assert_format_refused((const char *const[]){"--cipher", "aes-cbc-essiv:sha256", NULL});
	assert_format_refused((const char *const[]){"--cipher", "aes-xts-plain64", "--key-size", "256",
		NULL});
	assert_format_refused((const char *const[]){"--cipher", "aes-xts-plain", NULL});
	assert_format_refused((const char *const[]){"--sector-size", "2048", NULL});
}

Test(storage_luks, luks1_and_a_blank_file_are_no_luks2)
{
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks1", "-q",
		"--pbkdf-force-iterations", "1000", "--key-file=-", path, NULL};
	_cleanup_luks_ struct hpl_luks l = device(0);
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(hpl_luks_load(&l, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED, "%s", err.text);
	cr_assert_eq(truncate(path, 0), 0);
	cr_assert_eq(truncate(path, SIZE), 0);
	cr_assert_eq(hpl_luks_load(&l, &err), HPL_LUKS2_NONE);
}

/* ---- the header's text changed at one place ---- */

static char *json_of(struct crypt_device *cd)
{
	const char *json = NULL;

	cr_assert_eq(crypt_dump_json(cd, &json, 0), 0);
	return strdup(json);
}

static char *replace(const char *json, const char *from, const char *to)
{
	const char *at = strstr(json, from);
	char *out;

	cr_assert(at, "the header does not hold %s:\n%s", from, json);
	out = malloc(strlen(json) + strlen(to) + 1);
	sprintf(out, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from));
	return out;
}

static const struct { const char *from, *to; } mutations[] = {
	/* segment: what encrypts the data, and where it is */
	{"\"encryption\":\"aes-xts-plain64\",\n      \"sector_size\"",
		"\"encryption\":\"cipher_null-ecb\",\n      \"sector_size\""},
	{"\"encryption\":\"aes-xts-plain64\",\n      \"sector_size\"",
		"\"encryption\":\"aes-xts-plain\",\n      \"sector_size\""},
	{"\"sector_size\":4096", "\"sector_size\":1024"},
	{"\"sector_size\":4096", "\"sector_size\":4096,\"integrity\":{\"type\":\"none\"}"},
	{"\"sector_size\":4096", "\"sector_size\":4096,\"flags\":[\"backup-final\"]"},
	{"\"offset\":\"16777216\"", "\"offset\":\"0\""},
	{"\"offset\":\"16777216\"", "\"offset\":\"4096\""},
	{"\"offset\":\"16777216\"", "\"offset\":\"16777217\""},
	{"\"offset\":\"16777216\"", "\"offset\":\"-4096\""},
	{"\"offset\":\"16777216\"", "\"offset\":\"18446744073709551616\""},
	{"\"offset\":\"16777216\"", "\"offset\":\"100663296\""},
	{"\"size\":\"dynamic\"", "\"size\":\"1048576\""},
	{"\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\""},
	{"\"type\":\"crypt\"", "\"type\":\"linear\""},
	{"\"segments\":{\n    \"0\"", "\"segments\":{\n    \"1\""},
	{"\"segments\":{", "\"segments\":{\"1\":{\"type\":\"crypt\"},"},
	/* key slots */
	{"\"type\":\"luks2\"", "\"type\":\"reencrypt\""},
	{"\"key_size\":64", "\"key_size\":1"},
	{"\"encryption\":\"aes-xts-plain64\",\n        \"key_size\"",
		"\"encryption\":\"cipher_null-ecb\",\n        \"key_size\""},
	{"\"type\":\"raw\"", "\"type\":\"datashift\""},
	{"\"offset\":\"32768\"", "\"offset\":\"16777216\""},
	{"\"offset\":\"32768\"", "\"offset\":\"0\""},
	{"\"stripes\":4000", "\"stripes\":1"},
	{"\"type\":\"luks1\"", "\"type\":\"none\""},
	{"\"memory\":1024", "\"memory\":4194304"},
	{"\"memory\":1024", "\"memory\":0"},
	{"\"time\":4", "\"time\":1000000"},
	{"\"cpus\":1", "\"cpus\":64"},
	{"\"type\":\"argon2id\"", "\"type\":\"scrypt\""},
	{"\"type\":\"argon2id\"", "\"type\":\"pbkdf2\""},
	/* digest */
	{"\"type\":\"pbkdf2\"", "\"type\":\"none\""},
	{"\"iterations\":1000", "\"iterations\":1"},
	{"\"segments\":[\n        \"0\"\n      ]", "\"segments\":[]"},
	{"\"keyslots\":[\n        \"0\"\n      ]", "\"keyslots\":[]"},
	{"\"keyslots\":[\n        \"0\"\n      ]", "\"keyslots\":[\"1\"]"},
	/* configuration and tokens */
	{"\"json_size\"", "\"flags\":[\"allow-discards\"],\"json_size\""},
	{"\"json_size\"", "\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]},\"json_size\""},
	{"\"json_size\"", "\"requirements\":{\"optional\":[]},\"json_size\""},
	{"\"json_size\"", "\"x\":1,\"json_size\""},
	{"\"tokens\":{", "\"tokens\":{\"5\":{\"type\":\"luks2-keyring\",\"keyslots\":[]},"},
	{"\"config\"", "\"config2\""},
	{"\"keyslots\":{", "\"keyslots\":[],\"x\":{"},
};

static bool accepted(const char *json, struct hpl_err *err)
{
	struct hpl_header h;

	*err = HPL_ERR_NULL;
	return hpl_header_check(&h, json, strlen(json), 64 << 20, err) == 0;
}

Test(storage_luks, every_mutation_of_the_header_is_refused_with_HPL07016E)
{
	_cleanup_luks_ struct hpl_luks l = loaded(0);
	_cleanup_free_ char *json = json_of(l.cd);
	struct hpl_err err;

	cr_assert(accepted(json, &err), "%s", err.text);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(mutations); i++) {
		_cleanup_free_ char *bad = replace(json, mutations[i].from, mutations[i].to);

		cr_assert_not(accepted(bad, &err), "%s", mutations[i].to);
		cr_assert_eq(err.msg, HPL_MSG_STORAGE_HEADER_REFUSED, "%s: %s", mutations[i].to,
			err.text);
	}
}

Test(storage_luks, cut_headers_and_other_json_are_refused)
{
	_cleanup_luks_ struct hpl_luks l = loaded(0);
	_cleanup_free_ char *json = json_of(l.cd);
	size_t len = strlen(json);
	struct hpl_err err;

	for (size_t cut = 0; cut < len - 2; cut += 7) {
		_cleanup_free_ char *part = strndup(json, cut);

		cr_assert_not(accepted(part, &err), "cut at %zu", cut);
	}
	cr_assert_not(accepted("[]", &err));
	cr_assert_not(accepted("{}", &err));
	cr_assert_not(accepted("null", &err));
}
