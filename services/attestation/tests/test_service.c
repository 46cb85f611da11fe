/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>

#include "bus/fake/fake.h"
#include "runtime/base/file.h"
#include "services/attestation/attestation.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_attestation state;
static char dir[] = "/tmp/hpl-attestation-XXXXXX";

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);

	cr_assert_eq(hpl_file_write(path, text, strlen(text), 0600, NULL), 0);
}

static bool has(const char *name)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);

	return access(path, F_OK) == 0;
}

static void setup(void)
{
	static const char *const rows[][2] = {{"boot/se-checksums.txt", "abc"},
		{"boot/se-signature.bin", "sig"}, {"boot/se-version", "26.11.0\n"},
		{"boot/certificate_expiry_date.json", "{}"}, {"boot/meta-data", "m"},
		{"boot/vendor-data", "v"}, {"boot/contract/user-data", "token"},
		{"boot/contract/user-data.decrypted", "seed: ***"}};
	static const char *const paths[][2] = {{"boot", "boot"}, {"contract", "boot/contract"},
		{"out", "out"}};
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_free_ char *contract = NULL;

	cr_assert(mkdtemp(dir));
	contract = hpl_path_join(dir, "boot/contract");
	cr_assert_eq(hpl_mkdir_p(contract, 0755, NULL), 0);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++)
		put(rows[i][0], rows[i][1]);
	fake = hpl_fake_new("attestation");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *path = hpl_path_join(dir, paths[i][1]);

		hpl_fake_setting(fake, paths[i][0], path);
	}
	cr_assert_eq(hpl_service_new(&service, &hpl_attestation_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
}

TestSuite(attestation_service, .init = setup, .fini = teardown);

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

static void ask(bool classic)
{
	Hpl__AttestationSlice a = HPL__ATTESTATION_SLICE__INIT;

	a.classic_layout = classic;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_ATTESTATION, &a.base);
}

static void storage(void)
{
	Hpl__MountedVolumes m = HPL__MOUNTED_VOLUMES__INIT;

	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &m.base);
}

Test(attestation_service, workloads_get_the_evidence_and_not_the_contract)
{
	struct stat st;
	_cleanup_free_ char *path = hpl_path_join(dir, "out/se-checksums.txt");
	Hpl__Event *ev;

	ask(false);
	storage();
	ev = hpl_fake_expect(fake, HPL_TOPIC_ATTESTATION_READY);
	cr_assert_str_eq(ev->message_id, "HPL22002I");
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
	cr_assert(has("out/se-signature.bin") && has("out/se-version") && has("out/cidata/meta-data") &&
		has("out/cidata/vendor-data") && has("out/certificate_expiry_date.json"));
	cr_assert_not(has("out/user-data.decrypted") || has("out/cidata/user-data"));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0644);
}

Test(attestation_service, the_classic_layout_waits_until_the_seeds_are_masked)
{
	storage();
	ask(true);
	hpl_fake_settle(fake);
	cr_assert_not(has("out/user-data.decrypted"));
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_MASKED, NULL);
	hpl__event__free_unpacked(hpl_fake_expect(fake, HPL_TOPIC_ATTESTATION_READY), NULL);
	wait_end(0);
	cr_assert(has("out/user-data.decrypted") && has("out/cidata/user-data"));
}

static void expect_failure(const char *text)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_assert_str_eq(ev->message_id, "HPL22001E");
	cr_assert(strstr(ev->failure->cause, text), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_ATTESTATION_READY), 0);
}

Test(attestation_service, a_missing_signature_is_a_failure)
{
	_cleanup_free_ char *path = hpl_path_join(dir, "boot/se-signature.bin");

	unlink(path);
	ask(false);
	storage();
	expect_failure("se-signature.bin");
}

Test(attestation_service, a_record_in_two_forms_is_a_failure)
{
	put("boot/se-checksums.txt.enc", "x");
	ask(false);
	storage();
	expect_failure("both plain and encrypted");
}

Test(attestation_service, vendor_data_may_be_absent)
{
	_cleanup_free_ char *path = hpl_path_join(dir, "boot/vendor-data");

	unlink(path);
	ask(false);
	storage();
	hpl__event__free_unpacked(hpl_fake_expect(fake, HPL_TOPIC_ATTESTATION_READY), NULL);
	wait_end(0);
}
