/* SPDX-License-Identifier: Apache-2.0 */
/* se-lukspassphrase-gen: the passphrase of one volume, outside of a guest. */
#include <unistd.h>

#include "runtime/base/file.h"
#include "runtime/tool/input.h"
#include "runtime/tool/output.h"
#include "services/luks-passphrase/passphrase.h"
#include "passphrase-spec.h"

enum {
	SEEDS_MIN = 2, SEEDS_MAX = 3,
	SEED_BYTES = 1 << 20, /* a seed stands in a contract; far above what anyone writes into one */
};

struct seeds {
	struct hpl_buf text[SEEDS_MAX]; /* wiped when they are freed */
	size_t count;
};

static int add_seed(struct seeds *s, const char *data, size_t len, struct hpl_err *err)
{
	struct hpl_buf *b;

	if (s->count == SEEDS_MAX)
		return HPL_FAIL(err, 0, 0, "more than %d seeds", SEEDS_MAX);
	if (len == 0)
		return HPL_FAIL(err, 0, 0, "seed %zu is empty", s->count + 1);
	b = &s->text[s->count++];
	b->wipe = 1;
	hpl_buf_add(b, data, len);
	return b->failed ? HPL_OOM(err) : 0;
}

/* A seed that stood in a line. Those of a contract hold no carriage return (but for an escaped one in
 * legacy mode), and a file with line ends of Windows would give another passphrase, without a word. The
 * third seed is of a key provider: any bytes. */
static int add_line(struct seeds *s, const char *data, size_t len, struct hpl_err *err)
{
	if (s->count < SEEDS_MIN && len && data[len - 1] == '\r') {
		HPL_FAIL(err, 0, 0, "seed %zu ends with a carriage return", s->count + 1);
		hpl_err_cure(err, "end the lines with a line feed alone; a seed that ends so goes into a "
			"file of its own, without a line end");
		return -1;
	}
	return add_seed(s, data, len, err);
}

static int read_lines(struct seeds *s, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf in = {.wipe = 1};
	const char *at, *end, *stop;

	if (hpl_tool_read(&in, "-", SEEDS_MAX * SEED_BYTES, err) < 0)
		return -1;
	at = in.data;
	for (end = at + in.len; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop)
			stop = end;
		if (add_line(s, at, (size_t)(stop - at), err) < 0)
			return HPL_WRAP(err, 0, "standard input");
	}
	return 0;
}

static int read_file(struct seeds *s, const char *file, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf in = {.wipe = 1};
	int rc;

	if (hpl_tool_read(&in, file, SEED_BYTES, err) < 0)
		return -1;
	if (in.len && in.data[in.len - 1] == '\n')
		rc = add_line(s, in.data, in.len - 1, err);
	else
		rc = add_seed(s, in.data, in.len, err);
	return rc < 0 ? HPL_WRAP(err, 0, "%s", file) : 0;
}

static int read_seeds(struct seeds *s, const struct hpl_tool_call *c, struct hpl_err *err)
{
	const char *file = hpl_tool_nth(c, "seed-file", 0);
	int rc = 0;

	if (!file)
		rc = read_lines(s, err);
	for (size_t i = 0; rc == 0 && file; file = hpl_tool_nth(c, "seed-file", ++i))
		rc = read_file(s, file, err);
	if (rc == 0 && s->count < SEEDS_MIN)
		return HPL_FAIL(err, 0, 0, "%zu seed%s given, two are needed: env, workload", s->count,
			s->count == 1 ? "" : "s");
	return rc;
}

static int derive(struct hpl_secret *ret, const struct seeds *s, struct hpl_err *err)
{
	struct hpl_seed seed[SEEDS_MAX];

	for (size_t i = 0; i < s->count; i++)
		seed[i] = (struct hpl_seed){s->text[i].data, s->text[i].len};
	return hpl_passphrase_derive(ret, seed, s->count, err);
}

static int print(const struct hpl_secret *passphrase, bool newline, struct hpl_err *err)
{
	/* not by stdio, whose buffer would keep it */
	if (hpl_write_all(STDOUT_FILENO, passphrase->data, passphrase->len, err) < 0)
		return -1;
	return newline ? hpl_write_all(STDOUT_FILENO, "\n", 1, err) : 0;
}

static int generate(const struct hpl_tool_call *c)
{
	_cleanup_secret_ struct hpl_secret passphrase = HPL_SECRET_NULL;
	struct seeds s = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	hpl_secret_harden_process();
	rc = read_seeds(&s, c, &err);
	if (rc == 0)
		rc = derive(&passphrase, &s, &err);
	if (rc == 0)
		rc = print(&passphrase, hpl_tool_has(c, "newline") || isatty(STDOUT_FILENO), &err);
	for (size_t i = 0; i < SEEDS_MAX; i++)
		hpl_buf_done(&s.text[i]);
	return rc < 0 ? hpl_tool_fail(c, &err, HPL_EXIT_CALL) : HPL_EXIT_GOOD;
}

int main(int argc, char **argv)
{
	static const struct hpl_tool_row row = {&spec_se_lukspassphrase_gen, generate};

	return hpl_tool_single(&row, argc, argv);
}
