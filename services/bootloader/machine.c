// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/machine.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/file.h"

static int read_small(struct hpl_buf *b, const char *dir, const char *name, struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);

	if (!path)
		return HPL_OOM(err);
	hpl_buf_clear(b);
	return hpl_file_read(b, path, 64 << 10, err);
}

/* 1: this kernel has no memory blocks */
static int blocks_mb(int64_t *ret, const char *dir, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	int64_t online = 0;
	char name[280];

	if (read_small(&b, dir, "block_size_bytes", NULL) < 0)
		return 1;
	uint64_t block = strtoull(b.data ? b.data : "", NULL, 16); /* the file is hexadecimal */
	if (block < 1 << 20)
		return 1;
	DIR *d = opendir(dir);
	if (!d)
		return 1;
	for (struct dirent *e; (e = readdir(d));) {
		if (strncmp(e->d_name, "memory", 6) != 0 || e->d_name[6] < '0' || e->d_name[6] > '9')
			continue;
		snprintf(name, sizeof(name), "%s/state", e->d_name);
		if (read_small(&b, dir, name, NULL) == 0 && b.data && strncmp(b.data, "online", 6) == 0)
			online++;
	}
	closedir(d);
	if (online == 0)
		return 1;
	*ret = online * (int64_t)(block >> 20);
	return 0;
}

int hpl_machine_memory_mb(int64_t *ret, const char *sysfs_memory, const char *meminfo,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	long long kib;

	if (blocks_mb(ret, sysfs_memory, err) == 0)
		return 0;
	if (hpl_file_read(&b, meminfo, 64 << 10, err) < 0)
		return -1;
	const char *line = b.data ? strstr(b.data, "MemTotal:") : NULL;
	if (!line || sscanf(line, "MemTotal: %lld kB", &kib) != 1 || kib <= 0)
		return HPL_FAIL(err, 0, 0, "%s has no MemTotal", meminfo);
	*ret = kib / 1024 * 8 / 7;
	return 0;
}

int hpl_machine_memory_check(int64_t min_mb, const char *sysfs_memory, const char *meminfo,
	struct hpl_err *err)
{
	int64_t mb = 0;

	if (hpl_machine_memory_mb(&mb, sysfs_memory, meminfo, err) < 0)
		return -1;
	if (mb >= min_mb)
		return 0;
	HPL_FAIL(err, HPL_MSG_BOOTLOADER_INSUFFICIENT_MEMORY, 0, "the machine has %lld MiB",
		(long long)mb);
	hpl_err_cure(err, "give the machine %lld MiB or more", (long long)min_mb);
	return -1;
}

/* The first word behind "<key>:" at the start of a line; only letters and digits count. */
static int sysinfo_word(char *out, size_t size, const char *text, const char *key)
{
	size_t klen = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (strncmp(p, key, klen) != 0 || p[klen] != ':')
			continue;
		p += klen + 1;
		p += strspn(p, " \t");
		size_t n = strspn(p, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (n == 0 || n >= size)
			return 1;
		memcpy(out, p, n);
		out[n] = 0;
		return 0;
	}
	return 1;
}

int hpl_machine_identity(char *out, size_t size, const char *sysinfo)
{
	char type[16], plant[16], serial[32];

	if (sysinfo_word(type, sizeof(type), sysinfo, "Type") ||
		sysinfo_word(plant, sizeof(plant), sysinfo, "Plant") ||
		sysinfo_word(serial, sizeof(serial), sysinfo, "Sequence Code"))
		return 1;
	size_t n = strlen(serial);
	snprintf(out, size, "%s/%s/%s", type, plant, n > 5 ? serial + n - 5 : serial);
	return 0;
}
