/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/contract/check.h"
#include "schema/key_sources.h"
#include "services/contract/tool/faults.h"
#include "services/contract/tool/material.h"
#include "services/contract/tool/place_holder.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"
#include "tool-spec.h"

enum { FAULTS = 1000 }; /* who has more mends the first ones first */
enum format { TEXT, JSON, JSONL };

struct validation {
	const struct hpl_tool_call *call;
	struct hpl_opened_options open;
	struct hpl_check_options check;
	const char *product;
	enum format format;
	struct hpl_buf text;
	struct hpl_json json;
};

static enum format format_of(const struct hpl_tool_call *c)
{
	const char *name = hpl_tool_value(c, "format");
	return hpl_streq(name, "json") ? JSON : hpl_streq(name, "jsonl") ? JSONL : TEXT;
}

/* Of a section alone, what another part of the contract lacks is no fault. */
static void keep_section(struct hpl_faults *faults, const char *section)
{
	size_t kept = 0, len = strlen(section);
	for (size_t i = 0; i < faults->count; i++) {
		const struct hpl_fault *f = &faults->items[i];
		bool here = strncmp(f->path, section, len) == 0 && (!f->path[len] || f->path[len] == '.');
		if (here && f->msg != HPL_MSG_SIGNATURE_DEPENDENCY_ARGS_MISSING_ERROR)
			faults->items[kept++] = *f;
	}
	faults->count = kept;
}

/* All faults of what could be read; a text that is no contract is one fault: opened is 1 then. */
static int find_faults(struct validation *v, const struct hpl_opened *o, int opened,
	const struct hpl_fault *why, struct hpl_faults *faults, bool *ret_valid, struct hpl_err *err)
{
	struct hpl_check_options check = v->check;
	struct hpl_fault *f;

	if (opened < 0)
		return -1;
	if (opened) {
		if (hpl_faults_add(&f, faults, err) < 0)
			return -1;
		*f = *why;
		*ret_valid = false;
		return 0;
	}
	check.delivered = o->delivered;
	if (hpl_contract_check(o->contract, &check, faults, ret_valid, err) < 0 ||
		hpl_place_holders_find(o->contract, faults, err) < 0)
		return -1;
	if (!o->section)
		return 0;
	keep_section(faults, o->section);
	*ret_valid = true;
	for (size_t i = 0; i < faults->count; i++)
		*ret_valid &= !hpl_fault_is_error(&faults->items[i]);
	return 0;
}

static int validate_file(struct validation *v, const char *file)
{
	_cleanup_opened_ struct hpl_opened o = HPL_OPENED_NULL;
	struct hpl_faults faults = {.limit = FAULTS};
	struct hpl_verdict verdict = {.product = v->product};
	struct hpl_fault why;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_opened_read(&o, file, &v->open, &why, &err);

	if (find_faults(v, &o, rc, &why, &faults, &verdict.valid, &err) < 0) {
		rc = hpl_tool_fail(v->call, &err, HPL_EXIT_CALL);
	} else {
		rc = verdict.valid ? HPL_EXIT_GOOD : HPL_EXIT_BAD;
		hpl_verdict_count(&verdict, &faults);
		if (v->format == TEXT)
			hpl_faults_text(&v->text, &o, &faults, &verdict);
		else
			hpl_faults_json(&v->json, &o, &faults, &verdict);
	}
	hpl_faults_done(&faults);
	return rc;
}

static int validate_files(struct validation *v)
{
	const struct hpl_tool_call *c = v->call;
	bool list = v->format == JSON && c->arg_count > 1;
	int worst = HPL_EXIT_GOOD, rc;

	v->json.compact = v->format == JSONL;
	if (list)
		hpl_json_open(&v->json, NULL, '[');
	for (size_t i = 0; i < c->arg_count; i++) {
		rc = validate_file(v, c->args[i]);
		worst = rc > worst ? rc : worst;
		if (list)
			continue;
		/* one by one: thousands of files need not fit into memory */
		rc = hpl_tool_write(c, v->format == TEXT ? &v->text : &v->json.buf);
		worst = rc > worst ? rc : worst;
		hpl_buf_clear(&v->text);
		hpl_buf_clear(&v->json.buf);
	}
	if (!list)
		return worst;
	hpl_json_close(&v->json, ']');
	rc = hpl_tool_write(c, &v->json.buf);
	return rc > worst ? rc : worst;
}

/* hpl-network stands beside this program, else in PATH. */
static int network_config(const struct hpl_tool_call *c, const char *file)
{
	static const char program[] = "hpl-network";
	const char *format = hpl_tool_value(c, "format");
	const char *argv[] = {program, "validate", file, format ? "--format" : NULL, format, NULL};
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(program) - 1);

	if (c->arg_count)
		return hpl_tool_usage_error(c->verb, "--network-config takes no other files");
	if (n > 0) {
		path[n] = 0;
		strcpy(strrchr(path, '/') + 1, program); /* room was kept for it */
		execv(path, (char *const *)argv);
	}
	execvp(program, (char *const *)argv);
	fprintf(stderr, "%s: cannot run %s: %s\n", c->verb->command, program, strerror(errno));
	return HPL_EXIT_CALL;
}

/* ---- a query ---- */

static int query_options(struct validation *v, struct hpl_source *s, struct hpl_err *err)
{
	const char *product = hpl_source_value(s, "product");
	if (product && hpl_product_parse(&v->check.form.product, product) < 0)
		return HPL_FAIL(err, 0, 0, "unknown product");
	v->product = product ? product : v->product;
	v->check.form.legacy = hpl_source_flag(s, "legacy");
	v->check.form.providers = hpl_key_source_set(hpl_source_value(s, "provider"));
	v->open.section = hpl_source_value(s, "section");
	return hpl_material_key(&v->open.key, s, "key", "passphrase", err) < 0 ? -1 : 0;
}

static int answer(struct validation *v, struct hpl_source *s, const struct hpl_verdict *verdict)
{
	char warnings[24];
	if (!verdict->valid) {
		fputs(v->text.data ? v->text.data : "", stderr);
		return HPL_EXIT_BAD;
	}
	snprintf(warnings, sizeof(warnings), "%zu", verdict->warnings);
	const struct hpl_result results[] = {{"valid", "true", 4},
		{"warnings", warnings, strlen(warnings)}, {"report", v->text.data, v->text.len}};
	return hpl_source_write(s, results, HPL_ARRAY_SIZE(results));
}

static int validate_query(struct validation *v, struct hpl_source *s)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	_cleanup_opened_ struct hpl_opened o = HPL_OPENED_NULL;
	struct hpl_faults faults = {.limit = FAULTS};
	struct hpl_fault why;
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	if (!hpl_source_has(s, "contract"))
		return hpl_source_missing(s, "contract");
	if (query_options(v, s, &err) < 0 || hpl_source_text(s, "contract", &text, &err) < 0)
		return hpl_source_fail(s, &err);
	struct hpl_verdict verdict = {.product = v->product};
	rc = hpl_opened_text(&o, hpl_source_file(s, "contract"), text.len ? text.data : "", text.len,
		&v->open, &why, &err);
	if (find_faults(v, &o, rc, &why, &faults, &verdict.valid, &err) < 0) {
		rc = hpl_source_fail(s, &err);
	} else {
		hpl_verdict_count(&verdict, &faults);
		hpl_faults_text(&v->text, &o, &faults, &verdict);
		rc = answer(v, s, &verdict);
	}
	hpl_faults_done(&faults);
	return rc;
}

static int external(struct validation *v)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	int rc = hpl_source_open(&s, v->call, "contract");
	if (rc == 0)
		rc = validate_query(v, &s);
	EVP_PKEY_free(v->open.key);
	hpl_buf_done(&v->text);
	return rc;
}

int hpl_verb_validate(const struct hpl_tool_call *c)
{
	const char *product = hpl_tool_value(c, "product"), *network = hpl_tool_value(c, "network-config");
	struct validation v = {.call = c, .product = product ? product : "hpvs", .format = format_of(c),
		.open.section = hpl_tool_value(c, "section"), .check.form.legacy = hpl_tool_has(c, "legacy"),
		.check.form.providers = hpl_key_source_set(hpl_tool_value(c, "provider")),
		.check.now = time(NULL)};
	int rc;

	if (network)
		return network_config(c, network);
	if (hpl_tool_has(c, "external"))
		return external(&v);
	if (c->arg_count == 0)
		return hpl_tool_usage_error(c->verb, "which file?");
	if (product && hpl_product_parse(&v.check.form.product, product) < 0)
		return hpl_tool_usage_error(c->verb, "unknown product");
	rc = hpl_opened_key(&v.open.key, c);
	if (rc == HPL_EXIT_GOOD)
		rc = validate_files(&v);
	EVP_PKEY_free(v.open.key);
	hpl_buf_done(&v.text);
	hpl_json_done(&v.json);
	return rc;
}
