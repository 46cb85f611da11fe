/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/buf.h"

#include <stdio.h>

#include "runtime/base/secret.h"

static void release(struct hpl_buf *b)
{
	if (b->wipe && b->data)
		hpl_wipe(b->data, b->cap);
	free(b->data);
}

/* Room for `more` bytes and the NUL. */
static int reserve(struct hpl_buf *b, size_t more)
{
	size_t limit = b->limit ? b->limit : HPL_BUF_LIMIT, cap = b->cap ? b->cap : 64;
	char *data;

	if (b->failed)
		return -1;
	if (more > limit || b->len > limit - more) {
		b->failed = 1;
		return -1;
	}
	if (b->len + more + 1 <= b->cap)
		return 0;
	while (cap < b->len + more + 1)
		cap *= 2;
	/* not realloc: a secret's old memory has to be wiped */
	data = malloc(cap);
	if (!data) {
		b->failed = 1;
		return -1;
	}
	if (b->len)
		memcpy(data, b->data, b->len);
	release(b);
	b->data = data;
	b->cap = cap;
	return 0;
}

void hpl_buf_add(struct hpl_buf *b, const void *data, size_t len)
{
	if (reserve(b, len) < 0)
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

void hpl_buf_str(struct hpl_buf *b, const char *text)
{
	hpl_buf_add(b, text, strlen(text));
}

void hpl_buf_fmt(struct hpl_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || reserve(b, n) < 0) {
		b->failed = 1;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, n + 1, fmt, ap);
	va_end(ap);
	b->len += n;
}

void hpl_buf_clear(struct hpl_buf *b)
{
	if (b->wipe && b->data)
		hpl_wipe(b->data, b->cap);
	b->len = 0;
	b->failed = 0;
	if (b->data)
		b->data[0] = 0;
}

void hpl_buf_unescape_lines(struct hpl_buf *b)
{
	size_t to = 0;

	if (!b->data)
		return;
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] == '\\' && i + 1 < b->len && b->data[i + 1] == 'n') {
			b->data[to++] = '\n';
			i++;
		} else {
			b->data[to++] = b->data[i];
		}
	}
	b->len = to;
	b->data[to] = 0;
}

void hpl_buf_done(struct hpl_buf *b)
{
	release(b);
	b->data = NULL;
	b->len = b->cap = 0;
	b->failed = 0;
}

char *hpl_buf_take(struct hpl_buf *b, size_t *ret_len)
{
	char *data;

	if (reserve(b, 0) < 0)
		return NULL;
	b->data[b->len] = 0;
	if (ret_len)
		*ret_len = b->len;
	data = b->data;
	b->data = NULL;
	b->len = b->cap = 0;
	return data;
}
