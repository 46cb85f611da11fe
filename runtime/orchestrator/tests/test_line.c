/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "runtime/orchestrator/line.h"
#include "runtime/orchestrator/lineq.h"

static char *tag_items[] = {"hpcr-image", "hpcr-image-play", NULL};
static const struct hpl_names tags = {tag_items, 2};

struct seen {
	int count;
	enum hpl_severity sev;
	char tag[64], text[HPL_LOG_LINE + 1];
	size_t len;
};

static void on_line(void *ud, const struct hpl_line *line)
{
	struct seen *s = ud;

	s->count++;
	s->sev = line->sev;
	s->len = line->len;
	snprintf(s->tag, sizeof(s->tag), "%s", line->tag);
	snprintf(s->text, sizeof(s->text), "%s", line->text);
}

static struct hpl_lines *fresh(void)
{
	static struct hpl_lines l;

	hpl_lines_init(&l, &tags);
	return &l;
}

static void feed(struct hpl_lines *l, struct seen *s, const char *text)
{
	hpl_lines_feed(l, text, strlen(text), 1, on_line, s);
}

Test(line, severity_and_tag_are_taken_off)
{
	struct hpl_lines *l = fresh();
	struct seen s = {0};

	feed(l, &s, "<3>@hpcr-image-play broken\n");
	cr_assert_eq(s.count, 1);
	cr_assert_eq(s.sev, HPL_SEV_ERR);
	cr_assert_str_eq(s.tag, "hpcr-image-play");
	cr_assert_str_eq(s.text, "broken");
}

Test(line, what_is_not_of_the_form_is_information_of_the_first_tag)
{
	static const char *const plain[] = {"text", "<9>text", "<6text", "@nobody text", "<6>@nobody text", "@"};
	struct hpl_lines *l = fresh();

	for (size_t i = 0; i < HPL_ARRAY_SIZE(plain); i++) {
		struct seen s = {0};

		feed(l, &s, plain[i]);
		feed(l, &s, "\n");
		cr_assert_eq(s.count, 1);
		cr_assert_eq(s.sev, HPL_SEV_INFO);
		cr_assert_str_eq(s.tag, "hpcr-image");
	}
}

Test(line, a_service_cannot_say_emergency)
{
	struct seen s = {0};

	feed(fresh(), &s, "<0>all is lost\n");
	cr_assert_eq(s.sev, HPL_SEV_ERR);
}

Test(line, control_characters_cannot_forge_lines_or_colours)
{
	struct seen s = {0};

	feed(fresh(), &s, "a\rb\x1b[31mc\x01\n");
	cr_assert_eq(s.count, 1);
	cr_assert_null(strpbrk(s.text, "\r\x1b\x01"), "%s", s.text);
}

Test(line, pieces_make_one_line_and_one_piece_many)
{
	struct hpl_lines *l = fresh();
	struct seen s = {0};

	feed(l, &s, "<4>he");
	feed(l, &s, "ll");
	cr_assert_eq(s.count, 0);
	feed(l, &s, "o\n\nb\nc\nrest");
	cr_assert_eq(s.count, 3);
	hpl_lines_finish(l, 2, on_line, &s);
	cr_assert_eq(s.count, 4);
	cr_assert_str_eq(s.text, "rest");
}

Test(line, an_endless_line_is_cut_and_the_next_one_is_whole)
{
	static char big[100000];
	struct hpl_lines *l = fresh();
	struct seen s = {0};

	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < 10; i++)
		feed(l, &s, big);
	feed(l, &s, "\nnext\n");
	cr_assert_eq(s.count, 2);
	cr_assert_str_eq(s.text, "next");
}

Test(line, a_flood_is_bounded_and_counted)
{
	struct hpl_lines *l = fresh();
	struct seen s = {0};

	for (int i = 0; i < 10000; i++)
		feed(l, &s, "flood\n");
	cr_assert_eq(s.count, HPL_LINE_BURST);
	cr_assert_eq(hpl_lines_take_dropped(l), 10000 - HPL_LINE_BURST);
	cr_assert_eq(hpl_lines_take_dropped(l), 0);
	/* a second later so many more */
	for (int i = 0; i < 10000; i++)
		hpl_lines_feed(l, "x\n", 2, 1000001, on_line, &s);
	cr_assert_eq(s.count, HPL_LINE_BURST + HPL_LINE_RATE);
}

Test(line, the_last_eight_are_kept)
{
	struct hpl_lines *l = fresh();
	struct seen s = {0};
	char text[32];

	cr_assert_null(hpl_lines_last(l, 0));
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "<6>line %d\n", i);
		feed(l, &s, text);
	}
	cr_assert_str_eq(hpl_lines_last(l, 0), "line 12");
	cr_assert_str_eq(hpl_lines_last(l, 7), "line 19");
	cr_assert_null(hpl_lines_last(l, 8));
}

Test(lineq, lines_come_out_as_they_went_in)
{
	static struct hpl_lineq q;

	hpl_lineq_add(&q, "hpld[1]", "one", 3);
	hpl_lineq_add(&q, "hpld[1]", "two", 3);
	cr_assert_eq(q.len, 8);
	cr_assert_eq(memcmp(q.data, "one\ntwo\n", 8), 0);
	hpl_lineq_consume(&q, 2);
	cr_assert_eq(q.head, 2);
	hpl_lineq_consume(&q, 6);
	cr_assert_eq(q.len, 0);
	cr_assert_eq(q.head, 0);
}

/* Drains q in odd pieces and checks: lines are whole and rising, each gap is said exactly. */
static long drain_and_check(struct hpl_lineq *q, char *rest, size_t *rest_len, long next, size_t bytes)
{
	while (q->len && bytes) {
		size_t n = q->len < 777 ? q->len : 777;
		char *lf;

		n = n < bytes ? n : bytes;
		memcpy(rest + *rest_len, q->data, n);
		*rest_len += n;
		hpl_lineq_consume(q, n);
		bytes -= n;
		while ((lf = memchr(rest, '\n', *rest_len))) {
			unsigned long long dropped;
			long number;

			*lf = '\0';
			if (sscanf(rest, "hpld[1]: %llu lines were dropped", &dropped) == 1) {
				next += (long)dropped;
			} else {
				cr_assert_eq(sscanf(rest, "line %ld", &number), 1, "torn: %s", rest);
				cr_assert_eq(number, next, "%ld, not %ld", number, next);
				next++;
			}
			*rest_len -= (size_t)(lf + 1 - rest);
			memmove(rest, lf + 1, *rest_len);
		}
	}
	return next;
}

Test(lineq, a_reader_that_is_too_slow_sees_every_gap_counted)
{
	static struct hpl_lineq q;
	static char rest[4096];
	size_t rest_len = 0;
	long next = 0;
	char text[200];

	for (long i = 0; i < 50000; i++) {
		int n = snprintf(text, sizeof(text), "line %ld %*s", i, (int)(i % 120), "x");

		hpl_lineq_add(&q, "hpld[1]", text, (size_t)n);
		cr_assert_leq(q.len, sizeof(q.data));
		if (i % 3 == 0)
			next = drain_and_check(&q, rest, &rest_len, next, (size_t)(i % 91));
	}
	next = drain_and_check(&q, rest, &rest_len, next, SIZE_MAX);
	cr_assert_eq(next, 50000);
}
