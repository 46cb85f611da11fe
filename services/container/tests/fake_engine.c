/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for podman and podman-compose: writes its arguments and environment to "calls" in the
 * folder it was started from, prints KEY.out and KEY.err from there, and ends with the number in
 * KEY.status. KEY is "compose" for podman-compose, else the first argument ("ps", "play", ...).
 */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[512];

static FILE *open_in_dir(const char *name, const char *suffix, const char *mode)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	return fopen(path, mode);
}

static void print(const char *key, const char *suffix, FILE *to)
{
	FILE *f = open_in_dir(key, suffix, "r");

	if (!f)
		return;
	for (int c; (c = fgetc(f)) != EOF;)
		fputc(c, to);
	fclose(f);
	fflush(to);
}

int main(int argc, char **argv, char **envp)
{
	char program[512], place[512], cwd[512] = "";
	const char *key;
	FILE *calls, *f;
	int status = 0;

	snprintf(program, sizeof(program), "%s", argv[0]);
	snprintf(place, sizeof(place), "%s", getenv("HPL_PODMAN") ? getenv("HPL_PODMAN") : argv[0]);
	snprintf(dir, sizeof(dir), "%s", dirname(place));
	key = strcmp(basename(program), "podman-compose") == 0 ? "compose" : argc > 1 ? argv[1] : "none";
	calls = open_in_dir("calls", "", "a");
	if (calls) {
		fprintf(calls, "%s cwd=%s\n", basename(argv[0]), getcwd(cwd, sizeof(cwd)) ? cwd : "?");
		for (int i = 1; i < argc; i++)
			fprintf(calls, " arg %s\n", argv[i]);
		for (char **e = envp; *e; e++)
			fprintf(calls, " env %s\n", *e);
		fclose(calls);
	}
	print(key, ".out", stdout);
	print(key, ".err", stderr);
	f = open_in_dir(key, ".status", "r");
	if (f) {
		if (fscanf(f, "%d", &status) != 1)
			status = 99;
		fclose(f);
	}
	return status;
}
