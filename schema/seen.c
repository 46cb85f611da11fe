/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was looked at: the annotations that unevaluatedItems and unevaluatedProperties ask for, as one
 * bit per item or member. The schemas applied to one place share the marks of the nearest
 * enclosing one that asks; what fails takes its own back.
 */
#include "schema/validator.h"

enum { SMALL = 64 }; /* items or members for which nothing is allocated */

void hpl_seen_add(struct seen *s, size_t i)
{
	if (hpl_seen_has(s, i))
		return;
	s->bits[i / 64] |= (uint64_t)1 << i % 64;
	s->trail[s->len++] = (uint32_t)i;
}

bool hpl_seen_has(const struct seen *s, size_t i)
{
	return s->bits[i / 64] >> i % 64 & 1;
}

void hpl_seen_undo(struct seen *s, size_t len)
{
	while (s->len > len) {
		uint32_t i = s->trail[--s->len];
		s->bits[i / 64] &= ~((uint64_t)1 << i % 64);
	}
}

bool hpl_seen_run(struct run *r, const struct sub *s, const struct hpl_node *n, const struct at *at,
	bool (*check)(struct run *, const struct sub *, const struct hpl_node *, const struct at *))
{
	size_t count = n->kind == HPL_MAP ? n->map.count : n->list.count;
	uint64_t bit = 0, *bits = &bit;
	uint32_t few[SMALL], *trail = few;
	void *memory = NULL;

	if (count > SMALL) {
		size_t words = (count + 63) / 64;
		memory = calloc(1, words * sizeof(*bits) + count * sizeof(*trail));
		if (!memory) {
			HPL_BREAK(r, "out of memory");
			return false;
		}
		bits = memory;
		trail = (uint32_t *)(bits + words);
	}
	struct seen *outer = r->seen, mine = {n, bits, trail, 0};
	r->seen = &mine;
	bool ok = check(r, s, n, at);
	r->seen = outer;
	for (size_t i = 0; ok && hpl_seen_wanted(r, n) && i < mine.len; i++)
		hpl_seen_add(outer, mine.trail[i]);
	free(memory);
	return ok;
}
