/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says of contracts: the bootloader's section code, then the services of the guest one
 * after another, each on a fake bus with the events that the one before it published.
 *
 *     verdict WORKDIR PRIVATE_KEY < list
 *
 * A line of the list: NUMBER TAB PRODUCT TAB LEGACY (0, 1) TAB FILE. For each, one line on
 * standard output: NUMBER TAB ID TAB PLACE, ID being "valid" when all of them are content. What the
 * services log goes to standard error, behind a line "== NUMBER". In place of a product: "drive"
 * (FILE is a directory like a mounted cidata drive), "meta-data" (FILE is one), "memory" (FILE is
 * a directory with memory/, as sysfs has it, and meminfo): what else the bootloader is given.
 *
 * Not asked: network, log server, disks, registries, engines; nothing of them is in a contract's text.
 * Logging's own part is the code by which it reads certificates and keys; the service itself would
 * start rsyslogd.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bus/fake/fake.h"
#include "runtime/base/file.h"
#include "runtime/crypto/log_material.h"
#include "services/bootloader/cidata.h"
#include "services/bootloader/keys.h"
#include "services/bootloader/machine.h"
#include "services/bootloader/sections.h"
#include "services/contract/contract.h"
#include "services/image/image.h"
#include "services/registry-auth/registry_auth.h"
#include "services/signature/signature.h"

enum {
	MEMORY_MB = 4096, /* what an image asks for (integration/build-image) */
	PATHS = 3200,
};

struct run {
	const char *dir;           /* work directory */
	const char *product, *legacy;
	EVP_PKEY *key;
	char id[16];               /* of the first failure; empty: none yet */
	char place[256];
};

/* A service on its own fake bus. */
struct bench {
	struct run *run;
	struct hpl_fake *fake;
	struct hpl_service *service;
};

static _Noreturn void die(const char *what, const struct hpl_err *err)
{
	fprintf(stderr, "verdict: %s: %s\n", what, err ? err->text : "");
	exit(2);
}

static void fail(struct run *r, const char *id, const char *place)
{
	snprintf(r->id, sizeof(r->id), "%s", id);
	snprintf(r->place, sizeof(r->place), "%s", place);
}

static void fail_err(struct run *r, const struct hpl_err *err)
{
	const struct hpl_msg_info *info = hpl_msg_info((enum hpl_msg)err->msg);

	fprintf(stderr, "%s -> %s: %s; %s\n", info ? info->id : "?", err->place, err->text, err->cure);
	fail(r, info ? info->id : "?", err->place);
}

static const char *path_in(const struct run *r, const char *name)
{
	static char paths[4][256];
	static unsigned at;
	char *p = paths[at++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", r->dir, name);
	return p;
}

static void bench_new(struct bench *b, struct run *r, const struct hpl_service_def *def, void *state)
{
	struct hpl_err err = HPL_ERR_NULL;

	*b = (struct bench){.run = r, .fake = hpl_fake_new(def->name)};
	hpl_fake_setting(b->fake, "boot_dir", r->dir);
	hpl_fake_setting(b->fake, "product", r->product);
	hpl_fake_setting(b->fake, "legacy", r->legacy);
	hpl_fake_setting(b->fake, "policy", path_in(r, "policy.json"));
	hpl_fake_setting(b->fake, "auth_file", path_in(r, "auth/config.json"));
	hpl_fake_setting(b->fake, "certs_dir", path_in(r, "certs"));
	if (hpl_service_new(&b->service, def, state, hpl_fake_loop(b->fake),
		hpl_fake_bootstrap(b->fake), &err) < 0)
		die(def->name, &err);
}

static void bench_done(struct bench *b)
{
	hpl_service_free(b->service);
	hpl_fake_free(b->fake);
}

/* Runs until the service has published topic (the event is returned) or failed (NULL, noted). */
static Hpl__Event *answer(struct bench *b, const char *topic)
{
	while (!hpl_fake_count(b->fake, topic)) {
		if (hpl_fake_count(b->fake, HPL_TOPIC_SERVICE_FAILED)) {
			Hpl__Event *ev = hpl_fake_expect(b->fake, HPL_TOPIC_SERVICE_FAILED);
			fail(b->run, ev->message_id, ev->failure->place);
			hpl__event__free_unpacked(ev, NULL);
			return NULL;
		}
		uv_run(hpl_fake_loop(b->fake), UV_RUN_ONCE);
	}
	return hpl_fake_expect(b->fake, topic);
}

/* ---- the bootloader ---- */

static void write_boot(const struct run *r, const char *name, const char *text, size_t len)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_file_write(path_in(r, name), text, len, 0600, &err) < 0)
		die(name, &err);
}

static int auditor_key(struct run *r, const struct hpl_sections *s)
{
	struct hpl_err err = HPL_ERR_NULL;
	EVP_PKEY *key = NULL;

	if (!s->has_key)
		return 0;
	if (hpl_sections_auditor_key(&key, s, &err) < 0) {
		fail_err(r, &err);
		return -1;
	}
	EVP_PKEY_free(key);
	return 0;
}

static void meta_data(struct run *r, const char *file)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char name[65];

	if (hpl_file_read(&text, file, HPL_BUF_LIMIT, &err) < 0)
		die(file, &err);
	if (hpl_hostname_parse(name, sizeof(name), text.data ? text.data : "", text.len, &err) < 0)
		fail_err(r, &err);
}

static void memory(struct run *r, const char *dir)
{
	char blocks[PATHS], meminfo[PATHS];
	struct hpl_err err = HPL_ERR_NULL;

	snprintf(blocks, sizeof(blocks), "%s/memory", dir);
	snprintf(meminfo, sizeof(meminfo), "%s/meminfo", dir);
	if (hpl_machine_memory_check(MEMORY_MB, blocks, meminfo, &err) < 0)
		fail_err(r, &err);
}

static int sections(struct run *r, const struct hpl_buf *text)
{
	struct hpl_sections s = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = 0;

	if (hpl_sections_open(&s, text->data ? text->data : "", text->len, r->key, &err) < 0) {
		fail_err(r, &err);
		return -1;
	}
	if (s.refused)
		fail(r, hpl_msg_info(HPL_MSG_BOOTLOADER_INVALID_CONTRACT)->id, s.refused);
	if (s.refused || auditor_key(r, &s) < 0)
		rc = -1;
	if (rc == 0) {
		write_boot(r, "contract/user-data", text->data, text->len);
		write_boot(r, "contract/user-data.decrypted", s.text.data, s.text.len);
	}
	hpl_sections_done(&s);
	return rc;
}

/* As step_contract() of bootloader.c, with a directory in place of the mounted drive. */
static int boot(struct run *r, const char *drive)
{
	_cleanup_close_ int dir = open(drive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hpl_cidata c = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	if (hpl_cidata_read(&c, dir, &err) < 0) {
		fail_err(r, &err);
		return -1;
	}
	rc = sections(r, &c.user_data);
	hpl_cidata_done(&c);
	return rc;
}

/* ---- the services ---- */

static int logging(struct run *r, const Hpl__LoggingSlice *in)
{
	_cleanup_material_ struct hpl_log_material material = HPL_LOG_MATERIAL_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const struct hpl_log_input input = {
		.server = in->server_pem.data, .server_len = in->server_pem.len,
		.cert = in->cert_pem.data, .cert_len = in->cert_pem.len,
		.key = in->key_pem.data, .key_len = in->key_pem.len,
	};

	if (in->kind != HPL__LOGGING_SLICE__KIND__SYSLOG ||
		hpl_log_material_parse(&material, &input, (int64_t)time(NULL), &err) == 0)
		return 0;
	fail_err(r, &err);
	return -1;
}

/* One event in, one out. */
static int ask(struct run *r, const struct hpl_service_def *def, const char *in, const Hpl__Event *ev,
	const char *out)
{
	struct bench b;

	bench_new(&b, r, def, NULL);
	hpl_fake_send(b.fake, "contract", in, (const ProtobufCMessage *)ev->failure);
	Hpl__Event *said = answer(&b, out);
	if (said)
		hpl__event__free_unpacked(said, NULL);
	bench_done(&b);
	return *r->id ? -1 : 0;
}

static int take_and_ask(struct bench *contract, const struct hpl_service_def *def, const char *in,
	const char *out)
{
	Hpl__Event *ev = answer(contract, in);
	int rc = ev ? ask(contract->run, def, in, ev, out) : -1;

	if (ev)
		hpl__event__free_unpacked(ev, NULL);
	return rc;
}

static int begin(struct bench *b)
{
	Hpl__Event *ev = answer(b, HPL_TOPIC_CONTRACT_LOGGING);
	int rc = ev ? logging(b->run, ev->logging) : -1;

	if (ev)
		hpl__event__free_unpacked(ev, NULL);
	if (rc < 0)
		return rc;
	hpl_fake_send(b->fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	ev = answer(b, HPL_TOPIC_CONTRACT_VALID);
	if (!ev)
		return -1;
	hpl__event__free_unpacked(ev, NULL);
	return 0;
}

static void services(struct run *r)
{
	struct hpl_contract_service state = {0};
	struct bench b;

	bench_new(&b, r, &hpl_contract_def, &state);
	if (begin(&b) == 0 &&
		take_and_ask(&b, &hpl_registry_auth_def, HPL_TOPIC_CONTRACT_REGISTRY,
			HPL_TOPIC_REGISTRY_READY) == 0 &&
		take_and_ask(&b, &hpl_signature_def, HPL_TOPIC_CONTRACT_SIGNING,
			HPL_TOPIC_SIGNATURE_VERIFIED) == 0) {
		hpl_fake_send(b.fake, "signature", HPL_TOPIC_SIGNATURE_VERIFIED, NULL);
		take_and_ask(&b, &hpl_image_def, HPL_TOPIC_CONTRACT_IMAGES, HPL_TOPIC_IMAGE_VERIFIED);
	}
	bench_done(&b);
	hpl_contract_service_done(&state);
}

static void contract(struct run *r, const char *file)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_file_read(&text, file, HPL_BUF_LIMIT, &err) < 0)
		die(file, &err);
	write_boot(r, "cidata/user-data", text.data ? text.data : "", text.len);
	if (boot(r, path_in(r, "cidata")) == 0)
		services(r);
}

static void one(struct run *r, const char *number, const char *file)
{
	fprintf(stderr, "== %s\n", number);
	*r->id = *r->place = '\0';
	if (strcmp(r->product, "drive") == 0)
		boot(r, file);
	else if (strcmp(r->product, "meta-data") == 0)
		meta_data(r, file);
	else if (strcmp(r->product, "memory") == 0)
		memory(r, file);
	else
		contract(r, file);
	printf("%s\t%s\t%s\n", number, *r->id ? r->id : "valid", r->place);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct run r = {.dir = argv[1]};
	char line[4096], number[32], product[16], file[3072];
	int legacy;

	if (argc != 3)
		die("call: verdict WORKDIR PRIVATE_KEY < list", NULL);
	if (hpl_mkdir_p(path_in(&r, "contract"), 0700, &err) < 0 ||
		hpl_mkdir_p(path_in(&r, "cidata"), 0700, &err) < 0 ||
		hpl_keys_load(&r.key, argv[2], &err) < 0)
		die("start", &err);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%31[^\t]\t%15[^\t]\t%d\t%3071[^\n]", number, product, &legacy, file) != 4)
			die("a line of the list", NULL);
		r.product = product;
		r.legacy = legacy ? "yes" : "no";
		one(&r, number, file);
	}
	EVP_PKEY_free(r.key);
	return 0;
}
