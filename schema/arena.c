/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/arena.h"

#include "runtime/base/secret.h"
#include "runtime/base/util.h"

enum { CHUNK_MIN = 16 << 10, CHUNK_MAX = 1 << 20, ALIGN = 16 };

struct hpl_arena_chunk {
	struct hpl_arena_chunk *next;
	size_t used, size;
	_Alignas(ALIGN) char data[];
};

static struct hpl_arena_chunk *chunk_new(struct hpl_arena *a, size_t need)
{
	/* doubling keeps the number of chunks small; the first piece of a small document fits one */
	size_t size = a->head ? a->head->size * 2 : CHUNK_MIN;
	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	struct hpl_arena_chunk *c = calloc(1, sizeof(*c) + size);
	if (!c)
		return NULL;
	c->size = size;
	c->next = a->head;
	a->head = c;
	return c;
}

void *hpl_arena_alloc(struct hpl_arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct hpl_arena_chunk *c = a->head;
	if (!c || c->size - c->used < size)
		c = chunk_new(a, size);
	if (!c)
		return NULL;
	void *p = c->data + c->used;
	c->used += size;
	return p;
}

char *hpl_arena_copy(struct hpl_arena *a, const char *text, size_t len)
{
	char *p = hpl_arena_alloc(a, len + 1);
	if (p && len)
		memcpy(p, text, len);
	return p;
}

void hpl_arena_done(struct hpl_arena *a)
{
	while (a->head) {
		struct hpl_arena_chunk *c = a->head;
		a->head = c->next;
		hpl_wipe(c->data, c->used);
		free(c);
	}
}
