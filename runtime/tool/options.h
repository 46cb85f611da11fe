/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Command lines of the hpl-<noun> programs. What a verb is called, takes and does is described in
 * one YAML file per verb (verbs/<name>.yaml beside the program); describe.py makes of it the C
 * table that is parsed here and shown by --help, the manual page and the shell completion.
 *
 * Only long options exist: "--name value", "--name=value", flags. "--" ends them, "-" is an argument.
 */
#include <stdbool.h>
#include <stddef.h>

enum hpl_exit { HPL_EXIT_GOOD = 0, HPL_EXIT_BAD = 1, HPL_EXIT_CALL = 2 };

struct hpl_tool_option {
	const char *name;            /* without "--" */
	const char *arg;             /* "FILE"; NULL: a flag */
	const char *const *values;   /* the only ones that are allowed, NULL at the end; or NULL */
	bool many;                   /* may be given more than once */
	const char *text;
};
struct hpl_tool_example {
	const char *text, *run;
};
struct hpl_tool_verb {
	const char *name;            /* "validate" */
	const char *command;         /* "hpl contract validate" */
	const char *line;            /* one line, no full stop */
	const char *const *usage;    /* what stands behind command; NULL at the end */
	const char *text;            /* paragraphs, lines not longer than 80 */
	const struct hpl_tool_option *options;
	size_t option_count;
	const struct hpl_tool_example *examples;
	size_t example_count;
	unsigned args_min, args_max; /* of arguments that are no options */
};

/* One call of a verb, parsed. Strings are borrowed from argv. */
struct hpl_tool_call {
	const struct hpl_tool_verb *verb;
	const char **args;
	size_t arg_count;
	struct hpl_tool_given *given;
	size_t given_count;
};

/* The value of an option, NULL when it was not given. name must be one of the verb's. */
const char *hpl_tool_value(const struct hpl_tool_call *c, const char *name);
/* Was the option given? For flags. */
bool hpl_tool_has(const struct hpl_tool_call *c, const char *name);
/* The n-th value (from 0) of an option that may be repeated, NULL behind the last. */
const char *hpl_tool_nth(const struct hpl_tool_call *c, const char *name, size_t n);

/* A wrong call: "hpl contract validate: <text>" and where help is, to standard error. Returns
 * HPL_EXIT_CALL. */
int hpl_tool_usage_error(const struct hpl_tool_verb *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct hpl_tool_row {
	const struct hpl_tool_verb *verb;
	int (*run)(const struct hpl_tool_call *c); /* returns enum hpl_exit */
};
struct hpl_tool {
	const char *command;         /* "hpl contract" */
	const char *line;
	const struct hpl_tool_row *rows;
	size_t row_count;
};
/* The whole of main() for a program with verbs: VERB --help, help [VERB], --help, --version,
 * --summary (the one line that hpl shows), an unknown verb with a hint. */
int hpl_tool_main(const struct hpl_tool *t, int argc, char **argv);
/* The same for a program without verbs. */
int hpl_tool_single(const struct hpl_tool_row *row, int argc, char **argv);

/* The candidate that was probably meant by word, or NULL: at most one edit in three characters.
 * names ends with NULL. */
const char *hpl_tool_guess(const char *word, const char *const *names);
