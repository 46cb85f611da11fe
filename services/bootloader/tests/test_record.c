// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/evidence.h"
#include "services/bootloader/expiry.h"
#include "services/bootloader/keys.h"
#include "services/bootloader/tests/util.h"

#include <time.h>

#include "proto/messages.h"

static void setup(void)
{
	dir_make();
	make_key("att");
	make_key("enc");
}
TestSuite(record, .init = setup, .fini = dir_remove);

static struct hpl_sha256 fake(char c)
{
	struct hpl_sha256 h;

	memset(h.hex, c, 64);
	h.hex[64] = 0;
	return h;
}
#define H(c) c c c c c c c c
#define H64(c) H(c) H(c) H(c) H(c) H(c) H(c) H(c) H(c)

static const struct hpl_record_section sections[] = {
	{.name = "workload"}, {.name = "env"}, {.name = "odd\nname"}};

static struct hpl_record sample(struct hpl_record_section *list)
{
	memcpy(list, sections, sizeof(sections));
	for (int i = 0; i < 3; i++)
		list[i].hash = fake("789"[i]);
	return (struct hpl_record){.build = "26.7.1", .machine = "8562/02/4C598", .created = 1000000,
		.now = 1000000 + 10 * 86400 + 5, .encrypt_not_after = 1814856281,
		.attest_not_after = 1814877539, .expiry_json = fake('a'), .root = fake('b'),
		.baseimage = fake('c'), .sbom = fake('d'), .cidata_device = fake('e'),
		.meta_data = fake('f'), .user_data = fake('0'), .vendor_data = fake('1'),
		.sections = list, .section_count = 3};
}

static const char expected[] =
	"26.7.1\n"
	"Machine Type/Plant/Serial: 8562/02/4C598\n"
	"Image age: 10 days since creation.\n"
	"Encryption Certificate valid until: Jul 06 06:44:41 2027 UTC\n"
	"Attestation Certificate valid until: Jul 06 12:38:59 2027 UTC\n"
	H64("a") " certificate_expiry_date.json\n"
	H64("b") " root.tar.gz\n"
	H64("c") " baseimage\n"
	H64("d") " sbom\n"
	H64("e") " /dev/disk/by-label/cidata\n"
	H64("f") " cidata/meta-data\n"
	H64("0") " cidata/user-data\n"
	H64("1") " cidata/vendor-data\n"
	H64("7") " contract:workload\n"
	H64("8") " contract:env\n"
	H64("9") " contract:odd\\nname\n";

Test(record, has_the_layout_of_26_byte_by_byte)
{
	struct hpl_record_section list[3];
	struct hpl_record r = sample(list);
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	cr_assert_eq(hpl_record_text(&b, &r, NULL), 0);
	cr_assert_str_eq(b.data, expected);
}

Test(record, has_no_machine_line_without_a_machine_and_no_negative_age)
{
	struct hpl_record_section list[3];
	struct hpl_record r = sample(list);
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	r.machine = NULL;
	r.now = 5;
	cr_assert_eq(hpl_record_text(&b, &r, NULL), 0);
	cr_assert_eq(strncmp(b.data, "26.7.1\nImage age: 0 days since creation.\n", 41), 0, "%s", b.data);
}

static void make(struct hpl_evidence *e, EVP_PKEY *auditor)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_record_section list[3];
	struct hpl_record r = sample(list);
	_cleanup_buf_ struct hpl_buf enc = get_file("enc.crt"), att = get_file("att.crt");
	EVP_PKEY *key = NULL;

	cr_assert_eq(hpl_keys_load(&key, at("att.key"), &err), 0, "%s", err.text);
	cr_assert_eq(hpl_evidence_make(e, &r, &enc, &att, key, auditor, &err), 0, "%s", err.text);
	EVP_PKEY_free(key);
}

Test(record, signature_verifies_with_the_openssl_program)
{
	struct hpl_evidence e;

	make(&e, NULL);
	put_file("se-checksums.txt", e.record.data, e.record.len);
	put_file("se-signature.bin", e.signature.data, e.signature.len);
	const char *out = RUN("/usr/bin/openssl", "sha256", "-verify", "att.pub", "-signature",
		"se-signature.bin", "se-checksums.txt");
	cr_assert(strstr(out, "Verified OK"), "%s", out);
	e.record.data[0] ^= 1;
	put_file("se-checksums.txt", e.record.data, e.record.len);
	const char *const argv[] = {"/usr/bin/openssl", "sha256", "-verify", "att.pub", "-signature",
		"se-signature.bin", "se-checksums.txt", NULL};
	run_in(NULL, 0, 1, argv);
	hpl_evidence_done(&e);
}

Test(record, encrypted_form_opens_with_openssl_commands_and_the_signature_holds)
{
	struct hpl_evidence e;
	EVP_PKEY *auditor = NULL;
	_cleanup_buf_ struct hpl_buf pem = get_file("enc.key");
	cr_assert_eq(hpl_keys_load(&auditor, at("enc.key"), NULL), 0);
	make(&e, auditor);
	EVP_PKEY_free(auditor);
	cr_assert(e.encrypted);
	cr_assert_neq(e.record.data[e.record.len - 1], '\n');

	char *save = NULL, *prefix = strtok_r(e.record.data, ".", &save);
	char *rsa = strtok_r(NULL, ".", &save), *aes = strtok_r(NULL, ".", &save);
	cr_assert_str_eq(prefix, "hyper-protect-basic");
	cr_assert(rsa && aes && !strtok_r(NULL, ".", &save));
	put_text("rsa.b64", rsa);
	put_text("aes.b64", aes);
	RUN("/usr/bin/openssl", "base64", "-d", "-A", "-in", "rsa.b64", "-out", "rsa.bin");
	RUN("/usr/bin/openssl", "base64", "-d", "-A", "-in", "aes.b64", "-out", "aes.bin");
	RUN("/usr/bin/openssl", "pkeyutl", "-decrypt", "-inkey", "enc.key", "-pkeyopt",
		"rsa_padding_mode:pkcs1", "-in", "rsa.bin", "-out", "password");
	_cleanup_buf_ struct hpl_buf pass = get_file("password");
	RUN_IN(pass.data, pass.len, "/usr/bin/openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-pass",
		"stdin", "-in", "aes.bin", "-out", "se-checksums.txt");
	put_file("se-signature.bin", e.signature.data, e.signature.len);
	const char *out = RUN("/usr/bin/openssl", "sha256", "-verify", "att.pub", "-signature",
		"se-signature.bin", "se-checksums.txt");
	cr_assert(strstr(out, "Verified OK"));
	hpl_evidence_done(&e);
}

Test(record, expiry_json_has_its_form_and_the_dates_of_the_certificates)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL, crt = get_file("enc.crt");
	int64_t end = 0;

	cr_assert_eq(hpl_expiry_json(&b, 1814856281, 0, NULL), 0);
	cr_assert_str_eq(b.data, "{\"encryption\":{\"valid_until\":\"2027-07-06T06:44:41Z\"},"
				 "\"attestation\":{\"valid_until\":\"1970-01-01T00:00:00Z\"}}\n");
	cr_assert_eq(hpl_expiry_of(&end, crt.data, crt.len, NULL), 0);
	cr_assert(llabs((long long)(end - time(NULL)) - 100 * 86400) < 600);
	cr_assert_eq(hpl_expiry_of(&end, "no", 2, NULL), -1);
}

Test(record, files_are_left_as_the_services_expect_them)
{
	struct hpl_evidence e;
	struct hpl_cidata c = {.has_network_config = 1};
	_cleanup_buf_ struct hpl_buf crt = get_file("enc.crt"), text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct stat st;

	make(&e, NULL);
	hpl_buf_str(&c.user_data, "workload: x\n");
	hpl_buf_str(&text, "decrypted");
	hpl_buf_str(&c.meta_data, "m");
	hpl_buf_str(&c.network_config, "n");
	struct hpl_leave l = {.evidence = &e, .cidata = &c, .decrypted = &text, .encrypt_crt = &crt,
		.attestation_crt = &crt, .build = "26.7.1", .contract_uid = geteuid() ? 0 : 801};
	cr_assert_eq(hpl_leave_write(at("root"), &l, &err), 0, "%s", err.text);
	static const char *const names[] = {"meta-data", "vendor-data", "network-config",
		"se-checksums.txt", "se-signature.bin", "se-version", "certificate_expiry_date.json",
		"encrypt.crt", "attestation.crt"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		char name[128];
		snprintf(name, sizeof(name), "root/var/lib/hpl/boot/%s", names[i]);
		cr_assert_eq(stat(at(name), &st), 0, "%s", name);
		cr_assert_eq(st.st_mode & 07777, 0644);
	}
	cr_assert_neq(stat(at("root/var/lib/hpl/boot/se-checksums.txt.enc"), &st), 0);
	cr_assert_eq(stat(at("root/var/lib/hpl/boot/contract"), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(st.st_uid, l.contract_uid);
	cr_assert_eq(stat(at("root/var/lib/hpl/boot/contract/user-data.decrypted"), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(st.st_uid, l.contract_uid);
	struct hpl_buf got = get_file("root/var/lib/hpl/boot/contract/user-data");
	cr_assert_str_eq(got.data, "workload: x\n");
	hpl_buf_done(&got);
	got = get_file("root/var/lib/hpl/boot/se-version");
	cr_assert_str_eq(got.data, "26.7.1\n");
	hpl_buf_done(&got);
	cr_assert_eq(hpl_leave_write(at("root"), &l, &err), -1, "an existing file is not overwritten");
	hpl_cidata_done(&c);
	hpl_evidence_done(&e);
}

Test(record, private_key_files_are_overwritten_and_gone)
{
	struct stat st;
	char byte = 1;

	put_text("secret", "-----BEGIN");
	int fd = open(at("secret"), O_RDONLY); /* the same pages, seen after the name is gone */
	cr_assert_eq(hpl_keys_destroy(at("secret"), NULL), 0);
	cr_assert_neq(stat(at("secret"), &st), 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_size, 10);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(read(fd, &byte, 1), 1);
		cr_assert_eq(byte, 0);
	}
	close(fd);
	cr_assert_eq(hpl_keys_destroy(at("secret"), NULL), 0, "gone already is fine");
}
