// SPDX-License-Identifier: Apache-2.0
/* The fuzzer's corpus as a plain test: runs the target on each file of each directory given. */
#include <dirent.h>
#include <stdio.h>

#include "runtime/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		if (!d)
			return 1;
		for (struct dirent *e; (e = readdir(d));) {
			_cleanup_free_ char *path = hpl_path_join(argv[i], e->d_name);
			_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
			if (e->d_name[0] == '.')
				continue;
			if (!path || hpl_file_read(&b, path, 32 << 20, NULL) < 0)
				return 1;
			LLVMFuzzerTestOneInput((const uint8_t *)(b.data ? b.data : ""), b.len);
			files++;
		}
		closedir(d);
	}
	printf("%d files\n", files);
	return files == 0;
}
