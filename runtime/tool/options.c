/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tool/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/util.h"

enum { GUESS_LEN = 40, NAMES = 64 }; /* longer words are no misspelt option; more rows no tool has */

struct hpl_tool_given {
	const struct hpl_tool_option *option;
	const char *value; /* NULL: a flag */
};

static const struct hpl_tool_option *find_option(const struct hpl_tool_verb *v, const char *name,
	size_t len)
{
	for (size_t i = 0; i < v->option_count; i++) {
		if (strlen(v->options[i].name) == len && memcmp(v->options[i].name, name, len) == 0)
			return &v->options[i];
	}
	return NULL;
}

const char *hpl_tool_nth(const struct hpl_tool_call *c, const char *name, size_t n)
{
	const struct hpl_tool_option *o = find_option(c->verb, name, strlen(name));
	assert(o); /* a verb asks for what its own table names */
	for (size_t i = 0; i < c->given_count; i++) {
		if (c->given[i].option == o && n-- == 0)
			return c->given[i].value;
	}
	return NULL;
}

const char *hpl_tool_value(const struct hpl_tool_call *c, const char *name)
{
	return hpl_tool_nth(c, name, 0);
}

bool hpl_tool_has(const struct hpl_tool_call *c, const char *name)
{
	const struct hpl_tool_option *o = find_option(c->verb, name, strlen(name));
	assert(o);
	for (size_t i = 0; i < c->given_count; i++) {
		if (c->given[i].option == o)
			return true;
	}
	return false;
}

int hpl_tool_usage_error(const struct hpl_tool_verb *v, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "%s: ", v->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry: %s --help\n", v->command);
	return HPL_EXIT_CALL;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

/* Levenshtein's distance. */
static size_t distance(const char *a, const char *b)
{
	size_t row[GUESS_LEN + 1], n = strlen(b);
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t up = row[j + 1];
			row[j + 1] = smallest(diagonal + (a[i] != b[j]), up + 1, row[j] + 1);
			diagonal = up;
		}
	}
	return row[n];
}

const char *hpl_tool_guess(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t len = strlen(word), limit = (len + 2) / 3 + 1;
	if (len > GUESS_LEN)
		return NULL;
	for (; *names; names++) {
		if (strlen(*names) > GUESS_LEN)
			continue;
		size_t d = distance(word, *names);
		if (d < limit && d < strlen(*names)) {
			best = *names;
			limit = d;
		}
	}
	return best;
}

static int unknown_option(const struct hpl_tool_verb *v, const char *name, size_t len)
{
	const char *names[NAMES + 2], *guess;
	char word[GUESS_LEN + 1];
	size_t n = 0;

	for (; n < v->option_count && n < NAMES; n++)
		names[n] = v->options[n].name;
	names[n++] = "help";
	names[n] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	guess = len <= GUESS_LEN ? hpl_tool_guess(word, names) : NULL;
	if (guess)
		return hpl_tool_usage_error(v, "unknown option --%s; did you mean --%s?", word, guess);
	return hpl_tool_usage_error(v, "unknown option --%s", word);
}

static int check_value(const struct hpl_tool_verb *v, const struct hpl_tool_option *o,
	const char *value)
{
	char list[256] = "";
	size_t n = 0;
	if (!o->values)
		return 0;
	for (size_t i = 0; o->values[i]; i++) {
		if (strcmp(o->values[i], value) == 0)
			return 0;
		n += (size_t)snprintf(list + n, n < sizeof(list) ? sizeof(list) - n : 0, "%s%s",
			i ? ", " : "", o->values[i]);
	}
	return hpl_tool_usage_error(v, "--%s must be one of: %s", o->name, list);
}

/* One option at argv[*at]; moves *at to its last word. */
static int parse_option(struct hpl_tool_call *c, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *eq = strchr(name, '='), *value = NULL;
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct hpl_tool_option *o = find_option(c->verb, name, len);

	if (!o)
		return unknown_option(c->verb, name, len);
	if (!o->arg && eq)
		return hpl_tool_usage_error(c->verb, "--%s takes no value", o->name);
	if (o->arg) {
		value = eq ? eq + 1 : ++*at < argc ? argv[*at] : NULL;
		if (!value)
			return hpl_tool_usage_error(c->verb, "--%s needs a value: --%s %s", o->name,
				o->name, o->arg);
		int rc = check_value(c->verb, o, value);
		if (rc)
			return rc;
	}
	if (!o->many && hpl_tool_has(c, o->name))
		return hpl_tool_usage_error(c->verb, "--%s is given twice", o->name);
	c->given[c->given_count++] = (struct hpl_tool_given){o, value};
	return 0;
}

static int parse(struct hpl_tool_call *c, int argc, char **argv)
{
	const struct hpl_tool_verb *v = c->verb;
	bool options = true;
	for (int i = 0; i < argc; i++) {
		if (!options || argv[i][0] != '-' || !argv[i][1]) {
			c->args[c->arg_count++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (argv[i][1] != '-') {
			return hpl_tool_usage_error(v, "unknown option %s; options begin with two dashes",
				argv[i]);
		} else {
			int rc = parse_option(c, argc, argv, &i);
			if (rc)
				return rc;
		}
	}
	if (c->arg_count < v->args_min)
		return hpl_tool_usage_error(v, "%s is missing", v->args_min > 1 ? "an argument" :
			"the argument");
	if (c->arg_count > v->args_max)
		return hpl_tool_usage_error(v, "more arguments than are taken");
	return 0;
}

/* Text below a heading, wrapped at 80 columns behind an indent. */
static void wrapped(const char *text, size_t indent, size_t column)
{
	while (*text) {
		size_t n = strcspn(text, " \n");
		if (column > indent && column + 1 + n > 80) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)n, text);
		column += n;
		text += n;
		text += strspn(text, " \n");
	}
	putchar('\n');
}

static void print_option(const struct hpl_tool_option *o)
{
	enum { TEXT_AT = 26 };
	int n = printf("  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	if (n < TEXT_AT - 1)
		printf("%*s", TEXT_AT - n, "");
	else
		printf("\n%*s", TEXT_AT, "");
	wrapped(o->text, TEXT_AT, TEXT_AT);
}

static int verb_help(const struct hpl_tool_verb *v)
{
	for (size_t i = 0; v->usage[i]; i++)
		printf("%s %s %s\n", i ? "      " : "Usage:", v->command, v->usage[i]);
	printf("\n%s\n", v->text);
	printf("Options:\n");
	for (size_t i = 0; i < v->option_count; i++)
		print_option(&v->options[i]);
	print_option(&(struct hpl_tool_option){.name = "help", .text = "Show this."});
	if (v->example_count)
		printf("\nExamples:\n");
	for (size_t i = 0; i < v->example_count; i++)
		printf("  # %s\n  %s\n", v->examples[i].text, v->examples[i].run);
	putchar('\n');
	wrapped("Exit status: 0 good, 1 the input is bad, or a step failed, 2 the call is wrong or could not be done.", 0, 0);
	return HPL_EXIT_GOOD;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

/* What was printed has to have arrived: a full disk must not look like success. */
static int finish(const struct hpl_tool_verb *v, int rc)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "%s: the output could not be written\n", v->command);
		return HPL_EXIT_CALL;
	}
	return rc;
}

static int run_row(const struct hpl_tool_row *row, int argc, char **argv)
{
	struct hpl_tool_call c = {.verb = row->verb};
	int rc;

	if (asks_help(argc, argv))
		return finish(row->verb, verb_help(row->verb));
	c.args = calloc((size_t)argc + 1, sizeof(*c.args));
	c.given = calloc((size_t)argc + 1, sizeof(*c.given));
	if (!c.args || !c.given) {
		fprintf(stderr, "%s: out of memory\n", row->verb->command);
		rc = HPL_EXIT_CALL;
	} else {
		rc = parse(&c, argc, argv);
		if (rc == 0)
			rc = finish(row->verb, row->run(&c));
	}
	free(c.args);
	free(c.given);
	return rc;
}

static int tool_help(const struct hpl_tool *t, FILE *out)
{
	fprintf(out, "Usage: %s VERB [OPTIONS] [ARGUMENTS]\n\n%s: %s.\n\nVerbs:\n", t->command,
		t->command, t->line);
	for (size_t i = 0; i < t->row_count; i++)
		fprintf(out, "  %-14s %s\n", t->rows[i].verb->name, t->rows[i].verb->line);
	fprintf(out, "\n%s VERB --help tells more.\n", t->command);
	return out == stdout ? HPL_EXIT_GOOD : HPL_EXIT_CALL;
}

static const struct hpl_tool_row *find_verb(const struct hpl_tool *t, const char *name)
{
	for (size_t i = 0; i < t->row_count; i++) {
		if (strcmp(t->rows[i].verb->name, name) == 0)
			return &t->rows[i];
	}
	return NULL;
}

static int unknown_verb(const struct hpl_tool *t, const char *word)
{
	const char *names[NAMES + 1], *guess;
	size_t n = 0;
	for (; n < t->row_count && n < NAMES; n++)
		names[n] = t->rows[n].verb->name;
	names[n] = NULL;
	guess = hpl_tool_guess(word, names);
	fprintf(stderr, "%s: unknown verb %s", t->command, word);
	if (guess)
		fprintf(stderr, "; did you mean %s?", guess);
	fprintf(stderr, "\nTry: %s --help\n", t->command);
	return HPL_EXIT_CALL;
}

static int about(const char *command, const char *line, const char *word)
{
	if (strcmp(word, "--version") == 0)
		printf("%s %s\n", command, HPL_VERSION);
	else if (strcmp(word, "--summary") == 0)
		printf("%s\n", line);
	else
		return -1;
	return HPL_EXIT_GOOD;
}

int hpl_tool_main(const struct hpl_tool *t, int argc, char **argv)
{
	const struct hpl_tool_row *row;
	const char *word = argc > 1 ? argv[1] : "";

	if (argc < 2)
		return tool_help(t, stderr);
	if (about(t->command, t->line, word) == HPL_EXIT_GOOD)
		return HPL_EXIT_GOOD;
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
		(strcmp(word, "help") == 0 && argc == 2))
		return tool_help(t, stdout);
	if (strcmp(word, "help") == 0) {
		row = find_verb(t, argv[2]);
		return row ? verb_help(row->verb) : unknown_verb(t, argv[2]);
	}
	row = find_verb(t, word);
	return row ? run_row(row, argc - 2, argv + 2) : unknown_verb(t, word);
}

int hpl_tool_single(const struct hpl_tool_row *row, int argc, char **argv)
{
	if (argc == 2 && about(row->verb->command, row->verb->line, argv[1]) == HPL_EXIT_GOOD)
		return HPL_EXIT_GOOD;
	return run_row(row, argc - 1, argv + 1);
}
