/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the official JSON Schema test suite, drafts 2020-12 and 7:
 *
 *	json-schema-suite METASCHEMAS DIRECTORY...
 *
 * A draft is taken from the first directory that has it; METASCHEMAS is a folder with the metaschemas
 * as python3-jsonschema has them. One TAP point per file of tests, counts per file and in sum. Every
 * required file is run with formats as annotations, as the suite wants it; of the optional ones
 * those that are promised. What is not run is a group whose schema refers to a document that is not
 * there (none is ever loaded): it is named and skipped, never passed.
 */
#include <dirent.h>
#include <stdio.h>

#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "schema/schema.h"

enum { DOCUMENTS_MAX = 512, FOLDERS_MAX = 8 };
#define REMOTE "http://localhost:1234/"

struct tally {
	unsigned passed, failed, not_run;
};

struct suite {
	const char *draft;               /* name of its folder */
	enum hpl_dialect dialect;
	struct hpl_schema_document documents[DOCUMENTS_MAX];
	struct hpl_doc *docs[DOCUMENTS_MAX];
	size_t document_count, doc_count;
	bool format_asserts;
	unsigned points, bad;
	struct tally sum;
};

static const char *const OPTIONAL[] = {"anchor.json", "bignum.json", "dependencies-compatibility.json",
	"dynamicRef.json", "ecmascript-regex.json", "float-overflow.json", "format-assertion.json",
	"id.json", "no-schema.json", "non-bmp-regex.json", "refOfUnknownKeyword.json",
	"unknownKeyword.json", NULL};
static const char *const FORMATS[] = {"hostname.json", "ipv4.json", "ipv6.json", "unknown.json",
	"uri.json", NULL};

/* ---- documents ---- */

static struct hpl_doc *read_json(struct suite *s, const char *path)
{
	static const struct hpl_reader_limits limits = {.nul = true, .depth = 128};
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_doc *doc = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_file_read(&text, path, 16 << 20, &err) < 0 ||
		hpl_yaml_read(&doc, text.data, text.len, &limits, (struct hpl_pos){1, 1}, 0, &err) < 0) {
		printf("# %s: %s\n", path, err.text);
		return NULL;
	}
	if (s->doc_count == DOCUMENTS_MAX) {
		printf("# more than %d documents\n", DOCUMENTS_MAX);
		hpl_doc_free(doc);
		return NULL;
	}
	s->docs[s->doc_count++] = doc;
	return doc;
}

static void add_document(struct suite *s, const char *uri, const struct hpl_node *root)
{
	if (s->document_count == DOCUMENTS_MAX)
		return;
	s->documents[s->document_count++] = (struct hpl_schema_document){strdup(uri), root};
}

static void add_metaschemas(struct suite *s, const char *dir)
{
	static const char *const names[] = {"draft2020-12.json", "draft7.json", "vocabularies.json"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = hpl_path_join(dir, names[i]);
		const struct hpl_doc *doc = access(path, R_OK) == 0 ? read_json(s, path) : NULL;
		const struct hpl_node *root = doc ? hpl_doc_root(doc) : NULL;
		const char *id = hpl_node_get_str(root, "$id");
		if (!root)
			printf("# there is no %s: what refers to it is not run\n", path);
		else if (id)
			add_document(s, id, root);
		for (size_t k = 0; root && !id && k < root->map.count; k++)
			add_document(s, root->map.entries[k].key, root->map.entries[k].value);
	}
}

static bool is_json(const char *name)
{
	size_t n = strlen(name);
	return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

/* All documents below dir, as uri and their path in it. */
static void add_remotes(struct suite *s, const char *dir, const char *uri, int depth)
{
	DIR *d = depth < FOLDERS_MAX ? opendir(dir) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_free_ char *path = hpl_path_join(dir, e->d_name);
		_cleanup_buf_ struct hpl_buf name = HPL_BUF_NULL;
		if (e->d_name[0] == '.')
			continue;
		hpl_buf_fmt(&name, "%s%s%s", uri, e->d_name, e->d_type == DT_DIR ? "/" : "");
		if (e->d_type == DT_DIR)
			add_remotes(s, path, name.data, depth + 1);
		const struct hpl_doc *doc = is_json(e->d_name) ? read_json(s, path) : NULL;
		if (doc)
			add_document(s, name.data, hpl_doc_root(doc));
	}
	if (d)
		closedir(d);
}

static void suite_done(struct suite *s)
{
	for (size_t i = 0; i < s->document_count; i++)
		free((char *)s->documents[i].uri);
	for (size_t i = 0; i < s->doc_count; i++)
		hpl_doc_free(s->docs[i]);
}

/* ---- tests ---- */

static void run_test(const struct hpl_schema *schema, const char *where, const struct hpl_node *test,
	struct tally *t)
{
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	bool valid = false;

	hpl_node_get_bool(test, "valid", &valid);
	int rc = hpl_schema_validate(schema, hpl_node_get(test, "data"), "", 0, &faults, &err);
	if (rc == (valid ? 0 : 1) && (rc == 0) == (faults.count == 0)) {
		t->passed++;
	} else {
		t->failed++;
		printf("# %s: %s: must be %s, is %d%s%s\n", where, hpl_node_get_str(test, "description"),
			valid ? "valid" : "invalid", rc, rc < 0 ? ": " : "", rc < 0 ? err.text : "");
	}
	hpl_faults_done(&faults);
}

static void run_group(struct suite *s, const char *file, const struct hpl_node *group, struct tally *t)
{
	const struct hpl_node *tests = hpl_node_get(group, "tests");
	const struct hpl_schema_options options = {s->documents, s->document_count, s->dialect,
		!s->format_asserts};
	struct hpl_schema *schema = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char where[256];

	snprintf(where, sizeof(where), "%s %s: %s", s->draft, file, hpl_node_get_str(group, "description"));
	if (hpl_schema_compile_with(&schema, hpl_node_get(group, "schema"), &options, &err) < 0) {
		bool not_there = strstr(err.text, "no document was given for") != NULL;
		if (not_there)
			t->not_run += (unsigned)tests->list.count;
		else
			t->failed += (unsigned)tests->list.count;
		printf("# %s, %zu tests: %s: %s\n", not_there ? "not run" : "refused", tests->list.count,
			where, err.text);
		return;
	}
	for (size_t i = 0; i < tests->list.count; i++)
		run_test(schema, where, tests->list.items[i], t);
	hpl_schema_free(schema);
}

static void run_file(struct suite *s, const char *dir, const char *name)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);
	const struct hpl_doc *doc = read_json(s, path);
	const struct hpl_node *groups = doc ? hpl_doc_root(doc) : NULL;
	struct tally t = {.failed = !doc};

	for (size_t i = 0; groups && i < groups->list.count; i++)
		run_group(s, name, groups->list.items[i], &t);
	printf("# %s %.*s: %u passed, %u not run\n", s->draft, (int)strlen(name) - 5, name, t.passed,
		t.not_run);
	if (t.passed || t.failed)
		printf("%sok %u - %s %s: %u passed, %u failed\n", t.failed ? "not " : "", ++s->points,
			s->draft, name, t.passed, t.failed);
	if (t.not_run)
		printf("ok %u - %s %s: %u tests # SKIP they refer to documents that are not there\n",
			++s->points, s->draft, name, t.not_run);
	s->bad += t.failed > 0;
	s->sum.passed += t.passed;
	s->sum.failed += t.failed;
	s->sum.not_run += t.not_run;
}

static bool listed(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* only: run these files of the directory and no other, NULL: all. Returns how many there were. */
static unsigned run_directory(struct suite *s, const char *dir, const char *const *only)
{
	struct dirent **names;
	unsigned run = 0;
	int count = scandir(dir, &names, NULL, by_name);

	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		if (is_json(name) && (!only || listed(only, name))) {
			run_file(s, dir, name);
			run++;
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return run;
}

static void run_draft(struct suite *s, const char *metaschemas, char **dirs, int count)
{
	char path[512] = "";
	int i = 0;

	for (; i < count; i++) {
		snprintf(path, sizeof(path), "%s/tests/%s", dirs[i], s->draft);
		if (access(path, R_OK) == 0)
			break;
	}
	if (i == count) {
		printf("ok %u - %s # SKIP the suite has no such folder here\n", ++s->points, s->draft);
		return;
	}
	printf("# %s: %s\n", s->draft, path);
	add_metaschemas(s, metaschemas);
	snprintf(path, sizeof(path), "%s/remotes", dirs[i]);
	add_remotes(s, path, REMOTE, 0);
	snprintf(path, sizeof(path), "%s/tests/%s", dirs[i], s->draft);
	if (!run_directory(s, path, NULL))
		s->bad++;
	snprintf(path, sizeof(path), "%s/tests/%s/optional", dirs[i], s->draft);
	if (i == 0)
		run_directory(s, path, OPTIONAL);
	else /* one of its files asserts a format, which later releases do elsewhere */
		printf("ok %u - %s/optional # SKIP an older release of the suite\n", ++s->points, s->draft);
	s->format_asserts = true;
	snprintf(path, sizeof(path), "%s/tests/%s/optional/format", dirs[i], s->draft);
	run_directory(s, path, FORMATS);
	printf("# %s, sum: %u passed, %u failed, %u not run\n", s->draft, s->sum.passed, s->sum.failed,
		s->sum.not_run);
}

int main(int argc, char **argv)
{
	static struct suite suites[] = {
		{.draft = "draft2020-12", .dialect = HPL_DIALECT_2020_12},
		{.draft = "draft7", .dialect = HPL_DIALECT_07},
	};
	unsigned points = 0, bad = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: json-schema-suite METASCHEMAS DIRECTORY...\n");
		return 2;
	}
	printf("TAP version 13\n");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(suites); i++) {
		suites[i].points = points;
		run_draft(&suites[i], argv[1], argv + 2, argc - 2);
		points = suites[i].points;
		bad += suites[i].bad;
		suite_done(&suites[i]);
	}
	printf("1..%u\n", points);
	return bad ? 1 : 0;
}
