/* SPDX-License-Identifier: Apache-2.0 */
#include "services/container/ctrlog.h"

#include <stdio.h>
#include <time.h>

/* conmon writes at most 8 KiB of text in one line of the file */
enum { RAW_LIMIT = 64 << 10 };

void hpl_ctrlog_done(struct hpl_ctrlog *c)
{
	hpl_buf_done(&c->raw);
	hpl_buf_done(&c->part[0]);
	hpl_buf_done(&c->part[1]);
	*c = HPL_CTRLOG_NULL;
}

/* "2026-11-21T02:26:03.123456789+01:00"; 0 when it is not a time */
static uint64_t parse_time(const char *p, size_t len)
{
	char text[64], *end;
	struct tm tm = {0};
	int off_h = 0, off_m = 0;
	uint64_t us = 0, scale = 100000;
	time_t t;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, p, len);
	text[len] = 0;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end)
		return 0;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
			us += (uint64_t)(*end - '0') * scale;
	if (*end == '+' || *end == '-') {
		if (sscanf(end + 1, "%2d:%2d", &off_h, &off_m) != 2)
			return 0;
		if (*end == '-')
			off_h = -off_h, off_m = -off_m;
	} else if (*end != 'Z') {
		return 0;
	}
	t = timegm(&tm) - (off_h * 3600 + off_m * 60);
	return t > 0 ? (uint64_t)t * 1000000 + us : 0;
}

/* Splits one line of the file; false when it has another form. */
static bool split(const char *line, size_t len, struct hpl_ctrlog_record *r, bool *ret_partial)
{
	const char *end = line + len, *sp = memchr(line, ' ', len), *p;

	if (!sp)
		return false;
	r->wall_us = parse_time(line, (size_t)(sp - line));
	p = sp + 1;
	if (!r->wall_us || end - p < 8 || (memcmp(p, "stdout ", 7) != 0 && memcmp(p, "stderr ", 7) != 0))
		return false;
	r->is_err = p[3] == 'e';
	p += 7;
	if ((*p != 'F' && *p != 'P') || (p + 1 < end && p[1] != ' '))
		return false;
	*ret_partial = *p == 'P';
	p = p + 1 < end ? p + 2 : end;
	r->text = p;
	r->len = (size_t)(end - p);
	return true;
}

static void take_line(struct hpl_ctrlog *c, struct hpl_ctrlog_record *r, bool *ret_has)
{
	bool partial = false;
	struct hpl_buf *part;

	if (!c->raw.data || !split(c->raw.data, c->raw.len, r, &partial))
		return; /* a torn line after a crash; there is nothing to show of it */
	part = &c->part[r->is_err];
	if (!partial && !part->len) {
		*ret_has = true;
		return;
	}
	hpl_buf_add(part, r->text, r->len);
	if (partial && part->len < HPL_CTRLOG_LINE)
		return;
	r->text = part->data ? part->data : "";
	r->len = part->len;
	c->part_done[r->is_err] = true;
	*ret_has = true;
}

static void forget_given(struct hpl_ctrlog *c)
{
	if (c->raw_done)
		hpl_buf_clear(&c->raw);
	c->raw_done = false;
	for (int i = 0; i < 2; i++) {
		if (c->part_done[i])
			hpl_buf_clear(&c->part[i]);
		c->part_done[i] = false;
	}
}

size_t hpl_ctrlog_feed(struct hpl_ctrlog *c, const char *data, size_t len,
	struct hpl_ctrlog_record *ret, bool *ret_has)
{
	const char *nl = memchr(data, '\n', len);
	size_t used = nl ? (size_t)(nl - data) + 1 : len;

	*ret_has = false;
	forget_given(c);
	if (c->raw.len + used > RAW_LIMIT)
		c->overlong = true;
	if (!c->overlong)
		hpl_buf_add(&c->raw, data, nl ? used - 1 : used);
	if (!nl)
		return used;
	if (!c->overlong)
		take_line(c, ret, ret_has);
	c->overlong = false;
	c->raw_done = true;
	return used;
}
