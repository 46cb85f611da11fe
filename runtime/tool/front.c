/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl NOUN ARGUMENTS: runs hpl-NOUN. It is looked for in the directory of this program first, so that
 * an installation uses its own programs, then in PATH.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/tool/options.h"
#include "tool-spec-hpl.h"

enum {
	NOUNS = 128,          /* nobody has so many; the rest is left out of the list */
	SUMMARY_MS = 2000,    /* what a program may take to say its line */
	SUMMARY_LINE = 100,
};
static const char PREFIX[] = "hpl-";

struct noun {
	char *name;      /* "contract" */
	bool beside;     /* in our own directory: it is asked for its line */
};
struct nouns {
	struct noun items[NOUNS];
	size_t count;
};

static int own_directory(char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);
	if (n <= 0)
		return -1;
	ret[n] = 0;
	*strrchr(ret, '/') = 0;
	return 0;
}

static bool runnable(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static void add_noun(struct nouns *all, const char *name, bool beside)
{
	size_t at = 0;
	while (at < all->count && strcmp(all->items[at].name, name) < 0)
		at++;
	if (all->count == NOUNS || (at < all->count && strcmp(all->items[at].name, name) == 0))
		return;
	char *copy = strdup(name);
	if (!copy)
		return;
	memmove(&all->items[at + 1], &all->items[at], (all->count - at) * sizeof(all->items[0]));
	all->items[at] = (struct noun){copy, beside};
	all->count++;
}

static void look_in(struct nouns *all, const char *dir, bool beside)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	if (!d)
		return;
	while ((e = readdir(d))) {
		_cleanup_free_ char *path = NULL;
		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0 ||
			!e->d_name[sizeof(PREFIX) - 1] || strchr(e->d_name, '.'))
			continue;
		path = hpl_path_join(dir, e->d_name);
		if (path && runnable(path))
			add_noun(all, e->d_name + sizeof(PREFIX) - 1, beside);
	}
	closedir(d);
}

static void find_nouns(struct nouns *all, const char *own)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = path ? strdup(path) : NULL;
	char *save = NULL;
	if (own)
		look_in(all, own, true);
	for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		if (dir[0] == '/')
			look_in(all, dir, false);
	}
}

static void nouns_done(struct nouns *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->items[i].name);
}

/* The line with which a program of ours describes itself; a stranger's program is not started. */
static void print_noun(const struct noun *n, const char *own, FILE *out)
{
	_cleanup_buf_ struct hpl_buf line = HPL_BUF_NULL;
	char path[PATH_MAX];
	int status = 1;
	if (n->beside && snprintf(path, sizeof(path), "%s/%s%s", own, PREFIX, n->name) < PATH_MAX) {
		const char *argv[] = {path, "--summary", NULL};
		struct hpl_proc p = {.argv = argv, .timeout_ms = SUMMARY_MS, .out = &line,
			.out_limit = SUMMARY_LINE};
		if (hpl_proc_run(&p, &status, NULL) < 0)
			status = 1;
	}
	fprintf(out, "  %-14s %.*s\n", n->name, status == 0 && line.len ?
		(int)strcspn(line.data, "\r\n") : 0, line.data ? line.data : "");
}

static void overview(const char *own, FILE *out)
{
	struct nouns all = {0};
	find_nouns(&all, own);
	fprintf(out, "Usage: hpl NOUN [ARGUMENTS]\n\n%s.\n\nNouns:\n", SPEC_LINE);
	for (size_t i = 0; i < all.count; i++)
		print_noun(&all.items[i], own, out);
	fprintf(out, "\nhpl NOUN --help tells more. hpl --version prints the version.\n");
	nouns_done(&all);
}

static int unknown(const char *own, const char *word)
{
	struct nouns all = {0};
	const char *names[NOUNS + 1], *guess;
	size_t i;
	find_nouns(&all, own);
	for (i = 0; i < all.count; i++)
		names[i] = all.items[i].name;
	names[i] = NULL;
	guess = hpl_tool_guess(word, names);
	fprintf(stderr, "hpl: there is no hpl-%s", word);
	if (guess)
		fprintf(stderr, "; did you mean hpl %s?", guess);
	fprintf(stderr, "\nTry: hpl help\n");
	nouns_done(&all);
	return HPL_EXIT_CALL;
}

/* Comes back only when there is no such program or it cannot be run. */
static int run_noun(const char *own, const char *word, char **argv)
{
	char path[PATH_MAX];
	if (strchr(word, '/'))
		return unknown(own, word);
	if (own && snprintf(path, sizeof(path), "%s/%s%s", own, PREFIX, word) < PATH_MAX &&
		runnable(path)) {
		argv[0] = path;
		execv(path, argv);
	} else if (snprintf(path, sizeof(path), "%s%s", PREFIX, word) < PATH_MAX) {
		argv[0] = path;
		execvp(path, argv);
		if (errno == ENOENT)
			return unknown(own, word);
	}
	fprintf(stderr, "hpl: cannot run %s: %s\n", path, strerror(errno));
	return HPL_EXIT_CALL;
}

int main(int argc, char **argv)
{
	char dir[PATH_MAX];
	const char *own = own_directory(dir, sizeof(dir)) == 0 ? dir : NULL;
	const char *word = argc > 1 ? argv[1] : "";
	bool help = strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;

	if (argc < 2 || (help && argc == 2)) {
		overview(own, argc < 2 ? stderr : stdout);
		return argc < 2 ? HPL_EXIT_CALL : HPL_EXIT_GOOD;
	}
	if (strcmp(word, "--version") == 0) {
		printf("hpl %s\n", HPL_VERSION);
		return HPL_EXIT_GOOD;
	}
	if (help) { /* hpl help NOUN = hpl NOUN --help */
		char *ask[] = {argv[0], "--help", NULL};
		return run_noun(own, argv[2], ask);
	}
	if (word[0] == '-')
		return hpl_tool_usage_error(&spec_hpl, "unknown option %s", word);
	return run_noun(own, word, argv + 1);
}
