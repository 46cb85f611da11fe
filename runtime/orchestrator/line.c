/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/orchestrator/line.h"

#include <stdio.h>

void hpl_lines_init(struct hpl_lines *l, const struct hpl_names *tags)
{
	memset(l, 0, sizeof(*l));
	l->tags = tags;
	l->tokens = HPL_LINE_BURST;
}

/* "<6>" in front; anything else is information, as a library or a program of others writes it. */
static size_t parse_severity(enum hpl_severity *ret, const char *data, size_t len)
{
	*ret = HPL_SEV_INFO;
	if (len < 3 || data[0] != '<' || data[1] < '0' || data[1] > '7' || data[2] != '>')
		return 0;
	/* emergency, alert and critical are not ours to say */
	*ret = data[1] < '3' ? HPL_SEV_ERR : (enum hpl_severity)(data[1] - '0');
	return 3;
}

static size_t parse_tag(const char **ret, const char *data, size_t len, const struct hpl_names *tags)
{
	const char *end = len && data[0] == '@' ? memchr(data, ' ', len) : NULL;

	*ret = tags->items[0];
	if (!end)
		return 0;
	for (size_t i = 0; i < tags->count; i++) {
		size_t n = strlen(tags->items[i]);

		if (n == (size_t)(end - data - 1) && !memcmp(tags->items[i], data + 1, n)) {
			*ret = tags->items[i];
			return n + 2;
		}
	}
	return 0; /* not its tag: the line is shown as it is */
}

void hpl_line_parse(struct hpl_line *ret, char *text, size_t text_size, const char *data, size_t len,
	const struct hpl_names *tags)
{
	size_t n = parse_severity(&ret->sev, data, len);

	n += parse_tag(&ret->tag, data + n, len - n, tags);
	ret->len = hpl_escape_line(text, text_size, data + n, len - n);
	ret->text = text;
}

static bool take_token(struct hpl_lines *l, uint64_t now_us)
{
	if (l->filled_us && now_us > l->filled_us) {
		l->tokens += (double)(now_us - l->filled_us) * HPL_LINE_RATE / 1e6;
		if (l->tokens > HPL_LINE_BURST)
			l->tokens = HPL_LINE_BURST;
	}
	l->filled_us = now_us;
	if (l->tokens < 1)
		return false;
	l->tokens -= 1;
	return true;
}

static void emit(struct hpl_lines *l, const char *data, size_t len, uint64_t now_us, hpl_line_fn fn,
	void *ud)
{
	char text[HPL_LOG_LINE + 1];
	struct hpl_line line;

	if (!len)
		return;
	hpl_line_parse(&line, text, sizeof(text), data, len, l->tags);
	snprintf(l->ring[l->ring_next++ % HPL_LINE_RING], HPL_LINE_KEPT, "%s", line.text);
	if (take_token(l, now_us))
		fn(ud, &line);
	else
		l->dropped++;
}

void hpl_lines_feed(struct hpl_lines *l, const char *data, size_t len, uint64_t now_us,
	hpl_line_fn fn, void *ud)
{
	while (len) {
		const char *lf = memchr(data, '\n', len);
		size_t n = lf ? (size_t)(lf - data) : len;
		size_t room = sizeof(l->part) - l->part_len;
		size_t keep = l->skip ? 0 : n < room ? n : room;

		memcpy(l->part + l->part_len, data, keep);
		l->part_len += keep;
		if (!l->skip && (lf || keep < n)) {
			emit(l, l->part, l->part_len, now_us, fn, ud);
			l->part_len = 0;
			l->skip = !lf; /* cut: the rest of this line is left out */
		} else if (lf) {
			l->skip = false;
		}
		data += lf ? n + 1 : n;
		len -= lf ? n + 1 : n;
	}
}

void hpl_lines_finish(struct hpl_lines *l, uint64_t now_us, hpl_line_fn fn, void *ud)
{
	emit(l, l->part, l->part_len, now_us, fn, ud);
	l->part_len = 0;
	l->skip = false;
}

uint64_t hpl_lines_take_dropped(struct hpl_lines *l)
{
	uint64_t n = l->dropped;

	l->dropped = 0;
	return n;
}

const char *hpl_lines_last(const struct hpl_lines *l, unsigned i)
{
	unsigned have = l->ring_next < HPL_LINE_RING ? l->ring_next : HPL_LINE_RING;

	if (i >= have)
		return NULL;
	return l->ring[(l->ring_next - have + i) % HPL_LINE_RING];
}
