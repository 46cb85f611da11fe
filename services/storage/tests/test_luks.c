/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/messages.h"
#include "services/storage/luks.h"
#include "services/storage/tests/files.h"

enum { SIZE = 48 << 20 };

static char path[64];
static struct hpl_secret pass, wrong;
static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void setup(void)
{
	struct hpl_luks_params params = {.label = "data", .memory_kb = 1024, .table_made = true};
	struct hpl_err err = HPL_ERR_NULL;

	close(make_disk(path, SIZE));
	cr_assert_eq(hpl_secret_copy(&pass, text, 64, &err), 0);
	cr_assert_eq(hpl_secret_copy(&wrong, "not the passphrase", 18, &err), 0);
	cr_assert_eq(hpl_luks_format(path, &pass, &params, &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_secret_done(&pass);
	hpl_secret_done(&wrong);
	unlink(path);
}

TestSuite(storage_luks, .init = setup, .fini = teardown, .timeout = 60);

static struct crypt_device *load(struct hpl_header *h)
{
	struct crypt_device *cd = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_luks_load(&cd, h, path, SIZE, &err), 0, "%s", err.text);
	return cd;
}

Test(storage_luks, a_new_header_has_the_documented_parameters)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_header h;
	_cleanup_luks_ struct crypt_device *cd = load(&h);

	cr_assert_eq(h.state, HPL_LUKS_MAKING);
	cr_assert(h.table_made);
	cr_assert_eq(h.keyslots, 1);
	cr_assert_eq(h.data_offset, 16 << 20);
	cr_assert_eq(h.sector_size, 4096);
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

Test(storage_luks, the_wrong_passphrase_is_HPL02003E_with_its_cure)
{
	struct hpl_header h;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_luks_ struct crypt_device *cd = load(&h);

	cr_assert_eq(hpl_luks_open(cd, NULL, &pass, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_luks_open(cd, NULL, &wrong, NULL, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	cr_assert(err.cure[0]);
	cr_assert_null(strstr(err.text, "not the passphrase"));
}

Test(storage_luks, previous_seeds_are_changed_to_the_new_ones)
{
	struct hpl_header h;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_luks_ struct crypt_device *cd = load(&h);

	cr_assert_eq(hpl_luks_open(cd, NULL, &wrong, &pass, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_luks_open(cd, NULL, &wrong, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_luks_open(cd, NULL, &pass, NULL, &err), -1, "the old one is gone");
	crypt_free(TAKE(cd));
	cd = load(&h);
	cr_assert_eq(h.keyslots, 1);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_luks_open(cd, NULL, &pass, &pass, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
}

Test(storage_luks, ready_replaces_making)
{
	struct hpl_header h;
	struct hpl_err err = HPL_ERR_NULL;
	struct crypt_device *cd = load(&h);

	cr_assert_eq(hpl_luks_mark_ready(cd, h.table_made, &err), 0, "%s", err.text);
	crypt_free(cd);
	cd = load(&h);
	cr_assert_eq(h.state, HPL_LUKS_READY);
	cr_assert(h.table_made);
	crypt_free(cd);
}

Test(storage_luks, a_header_of_cryptsetup_is_accepted_as_foreign)
{
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks2", "-q",
		"--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "1024",
		"--pbkdf-parallel", "1", "--key-file=-", path, NULL};
	struct hpl_header h;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(run_program(NULL, argv, text), 0);
	_cleanup_luks_ struct crypt_device *cd = load(&h);
	cr_assert_eq(h.state, HPL_LUKS_FOREIGN);
	cr_assert_eq(hpl_luks_open(cd, NULL, &pass, NULL, &err), 0, "%s", err.text);
}

static void assert_format_refused(const char *const *options)
{
	const char *argv[24] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks2", "-q", "--pbkdf",
		"pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file=-"};
	struct crypt_device *cd = NULL;
	struct hpl_header h;
	struct hpl_err err = HPL_ERR_NULL;
	size_t n = 10;

	for (; *options; options++)
		argv[n++] = *options;
	argv[n++] = path;
	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(hpl_luks_load(&cd, &h, path, SIZE, &err), -1, "%s", argv[11]);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_HEADER_REFUSED, "%s", err.text);
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
	struct crypt_device *cd = NULL;
	struct hpl_header h;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(hpl_luks_load(&cd, &h, path, SIZE, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED);
	cr_assert_eq(truncate(path, 0), 0);
	cr_assert_eq(truncate(path, SIZE), 0);
	cr_assert_eq(hpl_luks_load(&cd, &h, path, SIZE, &err), -1);
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
	{"\"type\":\"hpl-volume\"", "\"type\":\"systemd-tpm2\""},
	{"\"state\":\"making\"", "\"state\":\"blank\""},
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
	struct hpl_header h;
	_cleanup_luks_ struct crypt_device *cd = load(&h);
	_cleanup_free_ char *json = json_of(cd);
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
	struct hpl_header h;
	_cleanup_luks_ struct crypt_device *cd = load(&h);
	_cleanup_free_ char *json = json_of(cd);
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
