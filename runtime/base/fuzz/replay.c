/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzzer's corpus as a plain test: replay DIRECTORY. Every prefix of each small file is
 * tried as well, which is what a transfer that was cut off leaves behind. */
#include <dirent.h>
#include <stdio.h>

#include "runtime/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIXES_BELOW = 2048 };

static int replay(const char *dir, const char *name)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	if (!path || hpl_file_read(&b, path, 16 << 20, NULL) < 0)
		return -1;
	for (size_t n = b.len < PREFIXES_BELOW ? 0 : b.len; n <= b.len; n++) {
		/* an exact copy, so that a sanitizer sees reads behind the end */
		uint8_t *copy = malloc(n ? n : 1);
		if (!copy)
			return -1;
		if (n)
			memcpy(copy, b.data, n);
		LLVMFuzzerTestOneInput(copy, n);
		free(copy);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	unsigned points = 0, bad = 0;
	int count = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
	if (count < 0) {
		fprintf(stderr, "usage: replay DIRECTORY\n");
		return 2;
	}
	printf("TAP version 13\n");
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			int rc = replay(argv[1], names[i]->d_name);
			bad += rc < 0;
			printf("%sok %u - %s\n", rc < 0 ? "not " : "", ++points, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	printf("1..%u\n", points);
	return bad || !points;
}
