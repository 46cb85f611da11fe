/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/secret.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int hpl_secrets_add(struct hpl_secrets *s, const void *data, size_t len, struct hpl_err *err)
{
	if (s->count == HPL_SECRETS_MAX)
		return HPL_FAIL(err, 0, 0, "more than %d secrets", HPL_SECRETS_MAX);
	if (hpl_secret_copy(&s->list[s->count], data, len, err) < 0)
		return -1;
	s->count++;
	return 0;
}

void hpl_secrets_done(struct hpl_secrets *s)
{
	while (s->count)
		hpl_secret_done(&s->list[--s->count]);
}

void hpl_wipe(void *p, size_t len)
{
	if (p && len)
		explicit_bzero(p, len);
}

int hpl_secret_alloc(struct hpl_secret *ret, size_t size, struct hpl_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), map_len;
	void *map;

	if (size > SIZE_MAX / 2)
		return HPL_FAIL(err, 0, EOVERFLOW, "secret of %zu bytes", size);
	map_len = (size + 1 + page - 1) / page * page;
	map = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return HPL_FAIL(err, 0, errno, "secret of %zu bytes", size);
	/* without CAP_IPC_LOCK large secrets pass RLIMIT_MEMLOCK; a guest has no swap */
	(void)mlock(map, map_len);
	(void)madvise(map, map_len, MADV_DONTDUMP);
	*ret = (struct hpl_secret){.data = map, .len = size, .map_len = map_len};
	return 0;
}

int hpl_secret_copy(struct hpl_secret *ret, const void *data, size_t len, struct hpl_err *err)
{
	if (hpl_secret_alloc(ret, len, err) < 0)
		return -1;
	if (len)
		memcpy(ret->data, data, len);
	return 0;
}

void hpl_secret_done(struct hpl_secret *s)
{
	if (s->data) {
		hpl_wipe(s->data, s->map_len);
		munmap(s->data, s->map_len);
	}
	*s = HPL_SECRET_NULL;
}

void hpl_secret_harden_process(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
