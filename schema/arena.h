/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory of one document: pieces are cut from chunks and all die together. The chunks are wiped
 * first, because documents hold seeds, keys and passwords. Inner header of this folder.
 */
#include <stdbool.h>
#include <stddef.h>

struct hpl_arena_chunk;
struct hpl_arena {
	struct hpl_arena_chunk *head;
};
/* Zeroed, aligned for any type; NULL: no memory. */
void *hpl_arena_alloc(struct hpl_arena *a, size_t size);
/* A copy with a NUL behind its end. */
char *hpl_arena_copy(struct hpl_arena *a, const char *text, size_t len);
void hpl_arena_done(struct hpl_arena *a);
