/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "services/container/ctrlog.h"

/* All records of the input fed in pieces of n bytes, as "o|e:time:text;" */
static void run(struct hpl_buf *out, const char *text, size_t len, size_t n)
{
	struct hpl_ctrlog c = HPL_CTRLOG_NULL;

	for (size_t at = 0; at < len;) {
		struct hpl_ctrlog_record r;
		size_t left = len - at < n ? len - at : n;
		bool has;

		at += hpl_ctrlog_feed(&c, text + at, left, &r, &has);
		if (has) {
			hpl_buf_fmt(out, "%c:%llu:", r.is_err ? 'e' : 'o', (unsigned long long)r.wall_us);
			hpl_buf_add(out, r.text, r.len);
			hpl_buf_str(out, ";");
		}
	}
	hpl_ctrlog_done(&c);
}

#define T "2026-11-21T02:26:03.123456789+00:00 "
#define US "1795227963123456:"

Test(ctrlog, lines_become_records_however_they_are_cut)
{
	static const char text[] = T "stdout F hello\n" T "stderr F oops\n" T "stdout F \n" T "stdout F\n"
		T "stdout P par" "\n" T "stderr F between\n" T "stdout P ti" "\n" T "stdout F al\n"
		T "stdout F two  blanks \n";
	static const char want[] = "o:" US "hello;e:" US "oops;o:" US ";o:" US ";e:" US "between;o:" US
		"partial;o:" US "two  blanks ;";

	for (size_t n = 1; n < sizeof(text) + 10; n++) {
		_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

		run(&out, text, strlen(text), n);
		cr_assert_str_eq(out.data, want, "pieces of %zu", n);
	}
}

Test(ctrlog, times_with_an_offset_are_converted)
{
	static const char text[] = "2026-11-21T03:26:03.123456789+01:00 stdout F a\n"
		"2026-11-20T21:56:03.123456789-04:30 stdout F b\n2026-11-21T02:26:03.123456Z stdout F c\n";
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	run(&out, text, strlen(text), 1000);
	cr_assert_str_eq(out.data, "o:" US "a;o:" US "b;o:" US "c;");
}

Test(ctrlog, what_has_another_form_is_left_out)
{
	static const char *const bad[] = {"", "x", "no time stdout F x", T "stdnot F x", T "stdout X x",
		T "stdout Fx", T, T "stdout", "2026-13-45T stdout F x"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct hpl_buf in = HPL_BUF_NULL, out = HPL_BUF_NULL;

		hpl_buf_fmt(&in, "%s\n" T "stdout F next\n", bad[i]);
		run(&out, in.data, in.len, 7);
		cr_assert_str_eq(out.data, "o:" US "next;", "%s", bad[i]);
	}
}

Test(ctrlog, an_endless_line_comes_in_bounded_pieces)
{
	_cleanup_buf_ struct hpl_buf in = HPL_BUF_NULL;
	struct hpl_ctrlog c = HPL_CTRLOG_NULL;
	size_t total = 0, at = 0, biggest = 0;

	for (int i = 0; i < 100; i++)
		hpl_buf_fmt(&in, T "stdout P %01000d\n", 0);
	hpl_buf_str(&in, T "stdout F end\n");
	while (at < in.len) {
		struct hpl_ctrlog_record r;
		bool has;

		at += hpl_ctrlog_feed(&c, in.data + at, in.len - at, &r, &has);
		if (!has)
			continue;
		total += r.len;
		biggest = r.len > biggest ? r.len : biggest;
	}
	cr_assert_eq(total, 100003);
	cr_assert_lt(biggest, HPL_CTRLOG_LINE + 8192);
	hpl_ctrlog_done(&c);
}

Test(ctrlog, a_line_of_the_file_without_end_does_not_grow)
{
	_cleanup_buf_ struct hpl_buf in = HPL_BUF_NULL, out = HPL_BUF_NULL;

	for (int i = 0; i < 200; i++)
		hpl_buf_fmt(&in, "%01000d", 0);
	hpl_buf_str(&in, "\n" T "stdout F after\n");
	run(&out, in.data, in.len, 4096);
	cr_assert_str_eq(out.data, "o:" US "after;");
}
