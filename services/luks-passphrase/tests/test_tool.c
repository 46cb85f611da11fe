/* SPDX-License-Identifier: Apache-2.0 */
/* se-lukspassphrase-gen as a program, against sha256sum. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"

static char files[3][40];
static struct hpl_buf out, said;

static void begin(void)
{
	for (size_t i = 0; i < 3; i++) {
		strcpy(files[i], "/tmp/hpl-passphrase-tool-XXXXXX");
		close(mkstemp(files[i]));
	}
}

static void finish(void)
{
	for (size_t i = 0; i < 3; i++)
		unlink(files[i]);
	hpl_buf_done(&out);
	hpl_buf_done(&said);
}

TestSuite(passphrase_tool, .init = begin, .fini = finish);

static int run(const char *program, const char *input, const char *const *args)
{
	const char *argv[12] = {program};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 20000, .out = &out, .errout = &said, /* messages are not part of the result */
		.input = input, .input_len = strlen(input)};

	for (size_t i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	hpl_buf_clear(&out);
	hpl_buf_clear(&said);
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	return status;
}

#define RUN(...) RUN_(__VA_ARGS__, NULL)
#define RUN_(input, ...) run(HPL_TEST_TOOL, input, (const char *const[]){__VA_ARGS__})

static void fill(size_t i, const char *text)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_write(files[i], text, strlen(text), 0600, &err), 0, "%s", err.text);
}

/* The 64 digits that sha256sum prints for text. */
static void digest(char ret[65], const char *text)
{
	cr_assert_eq(run("/usr/bin/sha256sum", text, (const char *const[]){NULL}), 0);
	cr_assert_gt(out.len, 64);
	memcpy(ret, out.data, 64);
	ret[64] = 0;
}

static void expect(const char *want, const char *end)
{
	cr_expect_eq(out.len, 64 + strlen(end), "%zu bytes", out.len);
	cr_expect(strncmp(out.data, want, 64) == 0, "%s is not %s", out.data, want);
	cr_expect_str_eq(out.data + 64, end);
}

Test(passphrase_tool, lines_give_what_sha256sum_gives_for_the_joined_seeds)
{
	char want[65];

	digest(want, "env seed\xc3\xa4work load");
	cr_expect_eq(RUN("env seed\xc3\xa4\nwork load\n"), 0);
	expect(want, "");
	cr_expect_eq(RUN("env seed\xc3\xa4\nwork load"), 0);
	expect(want, "");
	cr_expect_eq(RUN("work load\nenv seed\xc3\xa4\n"), 0);
	cr_expect(strncmp(out.data, want, 64) != 0, "the order of the seeds does not count");
}

Test(passphrase_tool, files_lose_one_line_end_and_no_more)
{
	char want[65];

	digest(want, "aa\nb \r");
	fill(0, "aa\n\n");
	fill(1, "b \r");
	cr_expect_eq(RUN("", "--seed-file", files[0], "--seed-file", files[1]), 0);
	expect(want, "");
	cr_expect_eq(RUN("", "--seed-file", files[0], "--seed-file", files[1], "--newline"), 0);
	expect(want, "\n");
}

static void refused_for_windows(int rc, const char *seed)
{
	hpl_buf_add(&said, "", 1);
	cr_expect_eq(rc, 2);
	cr_expect_eq(out.len, 0);
	cr_expect(strstr(said.data, seed), "%s", said.data);
	cr_expect(strstr(said.data, " ends with a carriage return"), "%s", said.data);
}

Test(passphrase_tool, line_ends_of_windows_are_refused_in_the_seeds_of_a_contract)
{
	refused_for_windows(RUN("a\r\nb\r\n"), "seed 1");
	refused_for_windows(RUN("a\nb\r\n"), "seed 2");
	refused_for_windows(RUN("a\nb\r"), "seed 2");
	refused_for_windows(RUN("a\r\nb\r\nthird\r\n"), "seed 1");
	refused_for_windows(RUN("\r\n"), "seed 1");
	fill(0, "a\r\n");
	fill(1, "b\n");
	refused_for_windows(RUN("", "--seed-file", files[0], "--seed-file", files[1]), "seed 1");
	refused_for_windows(RUN("", "--seed-file", files[1], "--seed-file", files[0]), "seed 2");
}

static void digest_of_three(char want[65], const char *two, const char *third)
{
	char interim[65], joined[80];

	digest(interim, two);
	snprintf(joined, sizeof joined, "%s%s", interim, third);
	digest(want, joined);
}

Test(passphrase_tool, a_third_seed_may_end_with_any_byte)
{
	char want[65];

	digest_of_three(want, "a\rb", "c\r");
	fill(0, "a\r");
	fill(1, "b\n");
	fill(2, "c\r\n");
	cr_expect_eq(RUN("", "--seed-file", files[0], "--seed-file", files[1], "--seed-file", files[2]), 0);
	expect(want, "");
	digest_of_three(want, "ab", "c\r");
	cr_expect_eq(RUN("a\nb\nc\r\n"), 0);
	expect(want, "");
}

Test(passphrase_tool, what_is_missing_is_said_in_numbers)
{
	cr_expect_eq(RUN(""), 2);
	hpl_buf_add(&said, "", 1);
	cr_expect(strstr(said.data, "0 seeds given, two are needed: env, workload"), "%s", said.data);
	cr_expect_eq(RUN("a\n"), 2);
	hpl_buf_add(&said, "", 1);
	cr_expect(strstr(said.data, "1 seed given, two are needed: env, workload"), "%s", said.data);
}

Test(passphrase_tool, a_descriptor_is_a_file)
{
	char want[65];

	digest(want, "ab");
	fill(0, "a");
	cr_expect_eq(RUN("b\n", "--seed-file", files[0], "--seed-file", "/dev/fd/0"), 0);
	expect(want, "");
}

Test(passphrase_tool, a_third_seed_is_joined_to_the_passphrase_of_two)
{
	char want[65];

	digest_of_three(want, "ab", "third");
	cr_expect_eq(RUN("a\nb\nthird\n"), 0);
	expect(want, "");
}

Test(passphrase_tool, a_wrong_call_ends_with_2_and_prints_nothing)
{
	static const char *const inputs[] = {"", "a", "a\n", "a\n\nb\n", "\na\nb\n", "a\nb\nc\nd\n"};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		cr_expect_eq(RUN(inputs[i]), 2, "input %zu", i);
		cr_expect_eq(out.len, 0, "input %zu", i);
	}
	fill(0, "a");
	fill(1, "\n");
	cr_expect_eq(RUN("", "--seed-file", files[0], "--seed-file", files[1]), 2);
	cr_expect_eq(RUN("", "--seed-file", files[0], "--seed-file", "/nonexistent"), 2);
	cr_expect_eq(RUN("a\nb\n", "seed"), 2);
	cr_expect_eq(RUN("a\nb\n", "--seed", "a"), 2);
	cr_expect_eq(out.len, 0);
}

Test(passphrase_tool, help_names_the_order)
{
	cr_expect_eq(RUN("", "--help"), 0);
	cr_expect(strstr(out.data, "env, workload"), "%s", out.data);
	cr_expect(strstr(out.data, "--seed-file"), "%s", out.data);
}
