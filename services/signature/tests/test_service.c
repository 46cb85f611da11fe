/* SPDX-License-Identifier: Apache-2.0 */
/* The signer is the openssl program with the documented commands. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "bus/fake/fake.h"
#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/signature/signature.h"
#include "runtime/crypto/signature.h"

static char dir[64];

/* Multi-line plain sections: where the two variants differ. */
#define WORKLOAD "type: workload\nplay: {}\n"
#define ENV "type: env\r\nlogging: {}\n"

static const char *path(const char *name)
{
	static char p[8][128];
	static unsigned at;

	snprintf(p[at % 8], sizeof(p[0]), "%s/%s", dir, name);
	return p[at++ % 8];
}

static void put(const char *name, const char *text)
{
	cr_assert_eq(hpl_file_write(path(name), text, strlen(text), 0600, NULL), 0);
}

static struct hpl_buf get(const char *name)
{
	struct hpl_buf b = HPL_BUF_NULL;

	cr_assert_eq(hpl_file_read(&b, path(name), 1 << 20, NULL), 0);
	return b;
}

static void openssl(const char *fmt, ...) HPL_PRINTF(1, 2);
static void openssl(const char *fmt, ...)
{
	char text[512], *save;
	const char *argv[32] = {"/usr/bin/openssl"};
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	size_t n = 1;
	int status = -1;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *t = strtok_r(text, " ", &save); t; t = strtok_r(NULL, " ", &save))
		argv[n++] = t;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 120000, .out = &out, .cwd = dir};
	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_assert_eq(status, 0, "%s", out.data);
}

static void make_key(int bits)
{
	openssl("genrsa -out key.pem %d", bits);
	openssl("rsa -in key.pem -pubout -out pub.pem");
}

/* openssl dgst -sha256 -sign key.pem | openssl enc -base64 (several lines) */
static struct hpl_buf sign(const char *message)
{
	put("message", message);
	openssl("dgst -sha256 -sign key.pem -out sig.bin message");
	openssl("enc -base64 -in sig.bin -out sig.txt");
	return get("sig.txt");
}

static const char stripped[] = "type: workloadplay: {}type: envlogging: {}";

static int verify_at(struct hpl_buf key, struct hpl_buf sig, const char *w, const char *e, int64_t now,
	struct hpl_signature_result *r, struct hpl_err *err)
{
	struct hpl_signature_input in = {key.data, sig.data, w, e, key.len, sig.len, strlen(w), strlen(e), now};
	int rc;

	*err = HPL_ERR_NULL;
	rc = hpl_signature_verify(r, &in, err);
	hpl_buf_done(&key);
	hpl_buf_done(&sig);
	return rc;
}

static int verify(struct hpl_buf key, struct hpl_buf sig, struct hpl_signature_result *r, struct hpl_err *err)
{
	return verify_at(key, sig, WORKLOAD, ENV, time(NULL), r, err);
}

static void begin(void)
{
	strcpy(dir, "/tmp/hpl-sig-XXXXXX");
	cr_assert(mkdtemp(dir));
}

static int remove_one(const char *p, const struct stat *st, int type, struct FTW *f)
{
	return remove(p);
}

static void finish(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(verify, .init = begin, .fini = finish);

static void both_variants(int bits)
{
	struct hpl_signature_result r;
	struct hpl_err err;

	make_key(bits);
	cr_assert_eq(verify(get("pub.pem"), sign(WORKLOAD ENV), &r, &err), 0, "%s", err.text);
	cr_expect(!r.stripped);
	cr_expect_eq(r.bits, bits);
	cr_assert_eq(verify(get("pub.pem"), sign(stripped), &r, &err), 0, "%s", err.text);
	cr_expect(r.stripped);
}

Test(verify, both_variants_with_2048_bits)
{
	both_variants(2048);
}

Test(verify, both_variants_with_4096_bits)
{
	both_variants(4096);
}

static struct hpl_buf base64_of(struct hpl_buf b)
{
	struct hpl_buf out = HPL_BUF_NULL;

	hpl_b64_encode(&out, b.data, b.len);
	hpl_buf_done(&b);
	return out;
}

static void make_certificate(void)
{
	make_key(2048);
	openssl("req -new -x509 -key key.pem -days 10 -subj /CN=signer -out cert.pem");
}

Test(verify, every_documented_form_of_the_key_is_taken)
{
	struct hpl_signature_result r;
	struct hpl_err err;

	make_certificate();
	cr_expect_eq(verify(base64_of(get("pub.pem")), sign(stripped), &r, &err), 0, "%s", err.text);
	cr_expect_eq(r.not_after, 0);
	cr_expect_eq(verify(get("cert.pem"), sign(stripped), &r, &err), 0, "%s", err.text);
	cr_expect_gt(r.not_after, time(NULL));
	cr_expect_eq(verify(base64_of(get("cert.pem")), sign(stripped), &r, &err), 0, "%s", err.text);
	cr_expect_eq(verify(base64_of(base64_of(get("cert.pem"))), sign(stripped), &r, &err), 0, "%s", err.text);
}

Test(verify, an_expired_certificate_has_its_id_and_a_wrong_signature_comes_first)
{
	struct hpl_signature_result r;
	struct hpl_err err;
	int64_t later = time(NULL) + 20 * 86400;

	make_certificate();
	cr_assert_eq(verify_at(get("cert.pem"), sign(stripped), WORKLOAD, ENV, later, &r, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_SIGNATURE_CONTRACT_EXPIRED);
	cr_expect(strstr(err.text, "expired on 20") && err.cure[0]);
	cr_assert_eq(verify_at(get("cert.pem"), sign("other"), WORKLOAD, ENV, later, &r, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE);
}

static void expect_bad(struct hpl_buf key, struct hpl_buf sig, const char *w, const char *e, const char *text)
{
	struct hpl_signature_result r;
	struct hpl_err err;

	cr_assert_eq(verify_at(key, sig, w, e, time(NULL), &r, &err), -1, "%s", text);
	cr_expect_eq(err.msg, HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE);
	cr_expect(strstr(err.text, text), "%s", err.text);
	cr_expect(err.place[0] && err.cure[0]);
}

static struct hpl_buf text(const char *t)
{
	struct hpl_buf b = HPL_BUF_NULL;

	hpl_buf_str(&b, t);
	return b;
}

Test(verify, each_fault_is_told_from_the_others)
{
	make_key(2048);
	expect_bad(get("pub.pem"), text("not base64!"), WORKLOAD, ENV, "envWorkloadSignature");
	expect_bad(get("pub.pem"), text("AAAA"), WORKLOAD, ENV, "has 3 bytes, this key makes 256");
	expect_bad(get("pub.pem"), sign(WORKLOAD ENV), WORKLOAD "x", ENV, "does not belong");
	expect_bad(get("pub.pem"), sign(ENV WORKLOAD), WORKLOAD, ENV, "does not belong");
	expect_bad(text("hello"), sign(WORKLOAD ENV), WORKLOAD, ENV, "signingKey");
	expect_bad(text(""), sign(WORKLOAD ENV), WORKLOAD, ENV, "signingKey");
	openssl("ecparam -name prime256v1 -genkey -noout -out ec.pem");
	openssl("ec -in ec.pem -pubout -out ecpub.pem");
	expect_bad(get("ecpub.pem"), sign(WORKLOAD ENV), WORKLOAD, ENV, "EC key");
}

Test(verify, other_digests_and_paddings_are_refused)
{
	make_key(2048);
	put("message", WORKLOAD ENV);
	openssl("dgst -sha512 -sign key.pem -out sig.bin message");
	openssl("enc -base64 -A -in sig.bin -out sig.txt");
	expect_bad(get("pub.pem"), get("sig.txt"), WORKLOAD, ENV, "does not belong");
	openssl("dgst -sha256 -sigopt rsa_padding_mode:pss -sign key.pem -out sig.bin message");
	openssl("enc -base64 -A -in sig.bin -out sig.txt");
	expect_bad(get("pub.pem"), get("sig.txt"), WORKLOAD, ENV, "does not belong");
}

/* ---- the service ---- */

static struct hpl_fake *fake;
static struct hpl_service *service;

static void service_begin(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	begin();
	fake = hpl_fake_new("signature");
	cr_assert_eq(hpl_service_new(&service, &hpl_signature_def, NULL, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void service_finish(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	finish();
}

TestSuite(signature_service, .init = service_begin, .fini = service_finish);

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), status);
}

static ProtobufCBinaryData bytes(const char *t, size_t len)
{
	return (ProtobufCBinaryData){len, (uint8_t *)t};
}

static bool uncovered;

static void send_slice(const struct hpl_buf *key, const struct hpl_buf *sig)
{
	Hpl__SigningSlice in = HPL__SIGNING_SLICE__INIT;

	in.workload = bytes(WORKLOAD, strlen(WORKLOAD));
	in.env = bytes(ENV, strlen(ENV));
	in.has_signing_key = key != NULL;
	in.has_signature = sig != NULL;
	in.uncovered_key = uncovered;
	if (key)
		in.signing_key = bytes(key->data, key->len);
	if (sig)
		in.signature = bytes(sig->data, sig->len);
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_SIGNING, &in.base);
}

static void expect_failed(const char *id)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, id);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_SIGNATURE_VERIFIED), 0);
}

static void expect_verified(void)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SIGNATURE_VERIFIED);

	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

Test(signature_service, a_signed_contract_is_verified)
{
	struct hpl_buf key, sig;

	make_certificate();
	key = get("cert.pem");
	sig = sign(stripped);
	send_slice(&key, &sig);
	expect_verified();
	hpl_buf_done(&key);
	hpl_buf_done(&sig);
}

Test(signature_service, a_key_that_no_signature_covers_is_a_warning_event)
{
	struct hpl_buf key, sig;
	Hpl__Event *ev;

	make_certificate();
	key = get("cert.pem");
	sig = sign(stripped);
	uncovered = true;
	send_slice(&key, &sig);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_WARNING);
	cr_expect_str_eq(ev->message_id, "HPL12016W");
	cr_expect_str_eq(ev->failure->place, "contract: attestationPublicKey");
	hpl__event__free_unpacked(ev, NULL);
	expect_verified();
	hpl_buf_done(&key);
	hpl_buf_done(&sig);
}

Test(signature_service, neither_key_nor_signature_is_fine)
{
	send_slice(NULL, NULL);
	expect_verified();
}

Test(signature_service, a_key_alone_fails)
{
	struct hpl_buf one = text("x");

	send_slice(&one, NULL);
	expect_failed("HPL12004E");
	hpl_buf_done(&one);
}

Test(signature_service, a_signature_alone_fails)
{
	struct hpl_buf one = text("x");

	send_slice(NULL, &one);
	expect_failed("HPL12004E");
	hpl_buf_done(&one);
}

Test(signature_service, a_wrong_signature_fails)
{
	struct hpl_buf key, sig;

	make_key(2048);
	key = get("pub.pem");
	sig = sign("another contract");
	send_slice(&key, &sig);
	expect_failed("HPL12001E");
	hpl_buf_done(&key);
	hpl_buf_done(&sig);
}
