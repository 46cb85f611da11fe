/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>

#include "runtime/base/buf.h"
#include "runtime/base/log.h"
#include "runtime/base/syslog.h"

static void escapes(const char *text, size_t len, const char *expected)
{
	char out[256];

	hpl_escape_line(out, sizeof(out), text, len);
	cr_expect_str_eq(out, expected);
}

Test(log, one_call_is_one_line_whatever_the_text)
{
	escapes("a\nb\rc", 5, "a\\nb\\x0dc");
	escapes("a\0b", 3, "a\\x00b");
	escapes("\x1b[31m", 5, "\\x1b[31m");
	escapes("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
	escapes("\xff\xc3", 2, "\\xff\\xc3");
	escapes("\xc2\x9b", 2, "\\xc2\\x9b");       /* C1 control */
	escapes("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
	escapes("\xc0\x80", 2, "\\xc0\\x80");       /* overlong NUL */
}

Test(log, cut_never_in_the_middle_of_a_character)
{
	char out[5];

	cr_expect_eq(hpl_escape_line(out, sizeof(out), "abc\xc3\xbc", 5), 3);
	cr_expect_str_eq(out, "abc");
}

Test(log, line_has_severity_and_tag)
{
	int fd[2], keep = dup(2);
	char line[256] = {0};

	cr_assert_eq(pipe(fd), 0);
	dup2(fd[1], 2);
	hpl_log_tag(HPL_SEV_ERR, "hpcr-disk-mount", "two\n%s", "lines");
	hpl_log(HPL_SEV_INFO, "plain");
	dup2(keep, 2);
	cr_assert_gt(read(fd[0], line, sizeof(line) - 1), 0);
	cr_expect_str_eq(line, "<3>@hpcr-disk-mount two\\nlines\n<6>plain\n");
}

Test(log, syslog_record_of_rfc_5424)
{
	struct hpl_buf b = HPL_BUF_NULL;

	hpl_syslog_format(&b, HPL_FACILITY_DAEMON, HPL_SEV_INFO, 1771000000123456ull, "hpcr contract",
		42, "a\nb", 3);
	cr_expect_str_eq(b.data,
		"<30>1 2026-02-13T16:26:40.123456Z - hpcr_contract 42 - - a\\nb");
	hpl_buf_done(&b);
}
