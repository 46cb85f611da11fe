/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/tests/lines.h"

#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/buf.h"

const char contract_base[] =
	"workload:\n"
	"  type: workload\n"
	"  compose:\n"
	"    archive: H4sIAAAA\n"
	"  env:\n"
	"    GREETING: hello\n"
	"  auths:\n"
	"    reg.example:5000:\n"
	"      username: reader\n"
	"      password: geheim\n"
	"  images:\n"
	"    dct:\n"
	"      reg.example/team/app:\n"
	"        notary: https://notary.example:4443\n"
	"        publicKey: QUJDRA==\n"
	"    rhs:\n"
	"      reg.example/app:1.0:\n"
	"        publicKey: QUJDRB==\n"
	"  volumes:\n"
	"    data:\n"
	"      seed: workload-seed-1\n"
	"      previousSeed: workload-seed-0\n"
	"      mount: /mnt/data\n"
	"      filesystem: ext4\n"
	"env:\n"
	"  type: env\n"
	"  logging:\n"
	"    syslog:\n"
	"      hostname: log.example.com\n"
	"      port: 6514\n"
	"      server: TUlJRA==\n"
	"      cert: TUlJRB==\n"
	"      key: TUlJRC==\n"
	"  env:\n"
	"    TARGET: there\n"
	"  auths:\n"
	"    10.0.2.2:5000:\n"
	"      username: writer\n"
	"      password: verborgen\n"
	"  cacerts:\n"
	"  - own: QUJDRA==\n"
	"  volumes:\n"
	"    data:\n"
	"      seed: deployer-seed-1\n"
	"      previousSeed: deployer-seed-0\n"
	"      kmsTimeout: 10\n"
	"      apiKey: 0123456789a\n"
	"      volumeName: vol\n"
	"      volumeID: r010-1\n"
	"  signingKey: QUJDRA==\n"
	"  host-attestation:\n"
	"    host1:\n"
	"      description: machine one\n"
	"      host-key-doc: QUJDRA==\n"
	"  crypto-pt:\n"
	"    lock: true\n"
	"    index-1: {type: secret, domain-id: \"01.0001\"}\n"
	"attestationPublicKey: QUJDRA==\n"
	"envWorkloadSignature: QUJDRA==\n"
	"boot:\n"
	"  sehdr: QUJDRA==\n"
	"own-key: whatever\n";

/* Puts the changed base into out; the number of the changed line. */
static unsigned change(struct hpl_buf *out, const char *base, const char *line, const char *with)
{
	size_t len = strlen(line);
	const char *at = NULL;
	unsigned number = 1;

	for (const char *p = base; *p; p = strchr(p, '\n') + 1) {
		if (strncmp(p, line, len) == 0 && p[len] == '\n') {
			at = p;
			break;
		}
		number++;
	}
	cr_assert_not_null(at, "no line '%s' in the base", line);
	hpl_buf_add(out, base, (size_t)(at - base));
	if (*with)
		hpl_buf_fmt(out, "%s\n", with);
	hpl_buf_str(out, at + len + 1);
	return number;
}

static int validate(struct hpl_faults *faults, const char *text, enum hpl_product product, bool legacy)
{
	const struct hpl_validate_options o = {product, legacy};
	struct hpl_contract *c = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_contract_read(&c, "contract", text, strlen(text), false, &err);

	cr_assert_eq(rc, 0, "%s at %s in:\n%s", err.text, err.place, text);
	rc = hpl_contract_validate(c, &o, faults, &err);
	cr_assert_geq(rc, 0, "%s", err.text);
	hpl_contract_free(c);
	return rc;
}

static void show(const struct hpl_faults *f)
{
	for (size_t i = 0; i < f->count; i++)
		fprintf(stderr, "# %s %u:%u %s: %s; %s [%d %s] (%s)\n",
			hpl_msg_info(f->items[i].msg)->id, f->items[i].pos.line, f->items[i].pos.col,
			f->items[i].path, f->items[i].text, f->items[i].cure, f->items[i].fix,
			f->items[i].fix_text, f->items[i].rule);
}

/* What every fault keeps to: words, and no expression of the schema's in them. */
static void check_words(const struct hpl_fault *f)
{
	static const char *const never[] = {"(?:", "]*", "[a-z", "[A-Z", "[^", "/properties", "/$defs", "#/"};

	cr_expect(*f->text && *f->cure && *f->path, "%s: \"%s\"; \"%s\"", f->path, f->text, f->cure);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(never); i++)
		cr_expect(!strstr(f->text, never[i]) && !strstr(f->cure, never[i]), "%s; %s", f->text,
			f->cure);
	cr_expect((f->fix == HPL_FIX_NONE || f->fix == HPL_FIX_REMOVE) == !*f->fix_text, "%s: %d %s",
		f->path, f->fix, f->fix_text);
}

static void check_one(const char *base, const struct wrong *w)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	unsigned line = change(&text, base, w->line, w->with);
	struct hpl_faults f = {0};
	char got[600] = "nothing", want[600];
	int rc = validate(&f, text.data, w->product, w->legacy);
	const struct hpl_fault *x = f.items;

	snprintf(want, sizeof(want), "%s %u:%u %s [%d %s]", w->id ? w->id : "HPL05001E",
		(unsigned)((int)line + w->down), w->col, w->path, w->fix, w->fix_text ? w->fix_text : "");
	if (f.count)
		snprintf(got, sizeof(got), "%s %u:%u %s [%d %s]", hpl_msg_info(x->msg)->id, x->pos.line,
			x->pos.col, x->path, x->fix, x->fix_text);
	bool said = f.count == 1 + w->more && strcmp(got, want) == 0 && strstr(x->text, w->text) &&
		strstr(x->cure, w->cure);
	if (!said)
		show(&f);
	cr_expect(said, "with '%s':\n%s (\"%s\"; \"%s\") instead of\n%s (\"%s\"; \"%s\"), %zu faults",
		w->with, got, f.count ? x->text : "", f.count ? x->cure : "", want, w->text, w->cure,
		f.count);
	cr_expect_eq(rc, f.count && hpl_fault_is_error(x), "%s", w->with);
	for (size_t i = 0; i < f.count; i++)
		check_words(&f.items[i]);
	hpl_faults_done(&f);
}

void check_wrong(const char *base, const struct wrong *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_one(base, &rows[i]);
}

void check_right(const char *base, enum hpl_product product, bool legacy)
{
	struct hpl_faults f = {0};

	cr_expect_eq(validate(&f, base, product, legacy), 0, "%s", base);
	show(&f);
	cr_expect_eq(f.count, 0, "%s", base);
	hpl_faults_done(&f);
}

void check_right_lines(const char *base, const char *const (*rows)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
		change(&text, base, rows[i][0], rows[i][1]);
		check_right(text.data, HPL_PRODUCT_HPVS, false);
	}
}
