/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the official JSON Schema test suite (draft 2020-12) as far as the validator goes:
 * suite DIRECTORY. One TAP point per file; a group whose schema is not supported is counted as
 * not run, a wrong verdict fails the point. Prints counts per keyword.
 */
#include <dirent.h>
#include <stdio.h>

#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "schema/schema.h"

struct tally {
	unsigned passed, failed, not_run;
	char why[200]; /* the first reason for not running */
};

/* Files that speak of what is not done yet; listed, so that nobody takes silence for a pass. */
static const char *const NOT_YET[] = {
	"anchor.json", "contains.json", "content.json", "dynamicRef.json", "format.json",
	"maxContains.json", "minContains.json", "refRemote.json",
	"unevaluatedItems.json", "unevaluatedProperties.json", "vocabulary.json", NULL,
};

static bool listed(const char *const *list, const char *name)
{
	for (; *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static void run_group(const char *file, const struct hpl_node *group, struct tally *t)
{
	const struct hpl_node *tests = hpl_node_get(group, "tests");
	struct hpl_schema *s = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (strstr(hpl_node_get_str(group, "description"), "A-label")) {
		t->not_run += (unsigned)tests->list.count;
		snprintf(t->why, sizeof(t->why), "hostname does not decode punycode");
		return;
	}
	if (hpl_schema_compile(&s, hpl_node_get(group, "schema"), &err) < 0) {
		t->not_run += (unsigned)tests->list.count;
		if (!*t->why)
			snprintf(t->why, sizeof(t->why), "%.190s", err.text);
		return;
	}
	for (size_t i = 0; i < tests->list.count; i++) {
		const struct hpl_node *test = tests->list.items[i];
		struct hpl_faults faults = {0};
		bool valid = false;
		hpl_node_get_bool(test, "valid", &valid);
		int rc = hpl_schema_validate(s, hpl_node_get(test, "data"), "", 0, &faults, &err);
		if (rc == (valid ? 0 : 1) && (rc == 0) == (faults.count == 0)) {
			t->passed++;
		} else {
			t->failed++;
			printf("# %s: %s: %s: must be %s, is %d%s\n", file,
				hpl_node_get_str(group, "description"),
				hpl_node_get_str(test, "description"), valid ? "valid" : "invalid", rc,
				rc < 0 ? err.text : "");
		}
		hpl_faults_done(&faults);
	}
	hpl_schema_free(s);
}

static void run_file(const char *dir, const char *name, struct tally *t)
{
	static const struct hpl_reader_limits limits = {.nul = true, .depth = 128};
	_cleanup_free_ char *path = hpl_path_join(dir, name);
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_file_read(&text, path, 16 << 20, &err) < 0) {
		t->failed++;
		printf("# %s: %s\n", name, err.text);
		return;
	}
	if (hpl_yaml_read(&doc, text.data, text.len, &limits, (struct hpl_pos){1, 1}, 0, &err) < 0) {
		/* libyaml knows no pairs of surrogates, the escapes of JSON beyond U+FFFF */
		bool pairs = strstr(err.text, "invalid Unicode character escape") != NULL;
		t->failed += !pairs;
		t->not_run += pairs;
		snprintf(t->why, sizeof(t->why), "%.150s at %.20s", err.text, err.place);
		return;
	}
	const struct hpl_node *groups = hpl_doc_root(doc);
	for (size_t i = 0; i < groups->list.count; i++)
		run_group(name, groups->list.items[i], t);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_json(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

/* only: run these files of the directory and no other, NULL: all */
static unsigned run_directory(const char *dir, const char *const *only, unsigned *points,
	struct tally *sum)
{
	struct dirent **names;
	unsigned bad = 0;
	int count = scandir(dir, &names, is_json, by_name);

	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		struct tally t = {0};
		if (!only && listed(NOT_YET, name)) {
			printf("ok %u - %s # SKIP not supported yet\n", ++*points, name);
		} else if (!only || listed(only, name)) {
			run_file(dir, name, &t);
			bool ok = !t.failed && (t.passed || t.not_run);
			printf("%sok %u - %s: %u passed, %u failed, %u not run%s%s\n", ok ? "" : "not ",
				++*points, name, t.passed, t.failed, t.not_run, *t.why ? "; " : "", t.why);
			bad += !ok;
			sum->passed += t.passed;
			sum->failed += t.failed;
			sum->not_run += t.not_run;
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return bad + (count <= 0);
}

int main(int argc, char **argv)
{
	static const char *const formats[] = {"hostname.json", "ipv4.json", "ipv6.json", "uri.json",
		NULL};
	char dir[512];
	unsigned points = 0, bad = 0;
	struct tally sum = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: suite DIRECTORY\n");
		return 2;
	}
	printf("TAP version 13\n");
	snprintf(dir, sizeof(dir), "%s/tests/draft2020-12", argv[1]);
	bad += run_directory(dir, NULL, &points, &sum);
	snprintf(dir, sizeof(dir), "%s/tests/draft2020-12/optional/format", argv[1]);
	bad += run_directory(dir, formats, &points, &sum);
	printf("# sum: %u passed, %u failed, %u not run\n1..%u\n", sum.passed, sum.failed, sum.not_run,
		points);
	return bad ? 1 : 0;
}
