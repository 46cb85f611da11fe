/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/workload/env.h"

static struct hpl_env sample(void)
{
	struct hpl_env env = HPL_ENV_NULL;

	hpl_env_set(&env, "REGISTRY", "reg.example:5000", NULL);
	hpl_env_set(&env, "EMPTY", "", NULL);
	hpl_env_set(&env, "_x1", "one", NULL);
	return env;
}

Test(env, compose_interpolation_follows_the_engine)
{
	static const char *const rows[][2] = {
		{"$REGISTRY/a", "reg.example:5000/a"}, {"${REGISTRY}/a", "reg.example:5000/a"},
		{"${NO}", ""}, {"${NO:-d}", "d"}, {"${NO-d}", "d"}, {"${EMPTY:-d}", ""},
		{"${EMPTY}", ""}, {"$$REGISTRY", "$REGISTRY"}, {"$_x1$_x1", "oneone"}, {"$", "$"},
		{"${", "${"}, {"${}", "${}"}, {"${1}", "${1}"}, {"$1", "$1"}, {"${NO:-}", "${NO:-}"},
		{"${NO+x}", "${NO+x}"}, {"a$", "a$"}, {"${REGISTRY?need}", "reg.example:5000"},
		{"${NO:-$REGISTRY}", "$REGISTRY"}, {"", ""}};
	_cleanup_env_ struct hpl_env env = sample();

	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

		cr_assert_eq(hpl_env_interpolate(&out, rows[i][0], &env, NULL), 0);
		cr_assert_str_eq(out.data ? out.data : "", rows[i][1], "of %s", rows[i][0]);
	}
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_lt(hpl_env_interpolate(&out, "${NO:?is needed}", &env, &err), 0);
	cr_assert(strstr(err.text, "NO") && strstr(err.text, "is needed"));
}

Test(env, templates_know_one_expression)
{
	static const char *const good[][2] = {
		{"{{ .Env.REGISTRY }}/x", "reg.example:5000/x"}, {"{{.Env._x1}}", "one"},
		{"plain } } text", "plain } } text"},
		{"{{ .Env._x1 }}{{ .Env._x1 }}", "oneone"}, {"{{\t.Env.EMPTY\t}}", ""}};
	static const char *const bad[] = {"{{ .Env.NO }}", "{{ .Values.x }}", "{{ upper .Env._x1 }}",
		"{{ .Env._x1", "{{ }}", "{{ .Env. }}", "{{ .Env.a b }}", "{{ if .Env._x1 }}x{{ end }}",
		"{{ .Env._x1 | quote }}", "{{-.Env._x1 }}"};
	_cleanup_env_ struct hpl_env env = sample();
	_cleanup_buf_ struct hpl_buf trim = HPL_BUF_NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(good); i++) {
		_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
		struct hpl_err err = HPL_ERR_NULL;

		cr_assert_eq(hpl_env_template(&out, good[i][0], &env, &err), 0, "%s", err.text);
		cr_assert_str_eq(out.data ? out.data : "", good[i][1]);
	}
	cr_assert_eq(hpl_env_template(&trim, "a \n{{- .Env._x1 -}}\t b {{ .Env._x1 -}} c", &env, NULL), 0);
	cr_assert_str_eq(trim.data, "aoneb onec");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
		struct hpl_err err = HPL_ERR_NULL;

		cr_assert_lt(hpl_env_template(&out, bad[i], &env, &err), 0, "%s", bad[i]);
		cr_assert(err.text[0]);
	}
}

Test(env, a_dotenv_file_is_read_as_python_dotenv_does)
{
	static const char text[] = "# note\nA=1\nexport B = two words # c\n\nC='it\\'s'\n"
		"D=\"x\\ny\"\nE=\"two\nlines\"\nF\nG=\n=bad\nH=${A}-${NO:-d}-${REGISTRY}\n"
		"REGISTRY=archive\nI=a#b\nJ=\"open\n";
	static const char *const want[][2] = {{"A", "1"}, {"B", "two words"}, {"C", "it's"},
		{"D", "x\ny"}, {"E", "two\nlines"}, {"G", ""}, {"H", "1-d-reg.example:5000"},
		{"I", "a#b"}};
	_cleanup_env_ struct hpl_env base = sample(), env = HPL_ENV_NULL;

	cr_assert_eq(hpl_dotenv_read(&env, text, strlen(text), &base, NULL), 0);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(want); i++)
		cr_assert_str_eq(hpl_env_get(&env, want[i][0]), want[i][1], "%s", want[i][0]);
	cr_assert_null(hpl_env_get(&env, "F"));
	cr_assert_null(hpl_env_get(&env, "REGISTRY"), "the contract's value wins");
	cr_assert_null(hpl_env_get(&env, "J"));
}

Test(env, a_quoted_name_cannot_smuggle_one_of_the_contract_in)
{
	static const char text[] = "'x\nREGISTRY'=evil\n'a b'=1\nREGISTRY\xc2\xa0=evil\n'#'=1\n'a=b'=1\n"
		"''x=1\n'fine'=2\n";
	_cleanup_env_ struct hpl_env base = sample(), env = HPL_ENV_NULL, back = HPL_ENV_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	cr_assert_eq(hpl_dotenv_read(&env, text, strlen(text), &base, NULL), 0);
	cr_assert_eq(env.count, 1);
	cr_assert_str_eq(hpl_env_get(&env, "fine"), "2");
	hpl_dotenv_write(&out, &env);
	cr_assert_eq(hpl_dotenv_read(&back, out.data, out.len, NULL, NULL), 0);
	cr_assert_eq(back.count, 1);
}

static const char *const awkward[] = {"plain", "", "a b", " lead", "trail ", "a #b", "#x", "a#b",
	"'single'", "\"double\"", "it's", "say \"hi\"", "two\nlines", "cr\rlf\r\n", "back\\slash",
	"end\\", "nl\nend\\", "\"\\", "\\\"", "${A}", "$A", "$${A}", "a${", "${:-}", "}{", "\\n",
	"{\"json\": [1, \"x\"]}", "pem\n-----BEGIN X-----\nabc\n-----END X-----\n", "\t", "x\t#y",
	"\xc3\xa9t\xc3\xa9", "\xc2\xa0nbsp\xc2\xa0", "tab\tin", "a=b", "=", "export X=1", "\x1f",
	"a\\\\\"\n\\", "\n", "'", "\"", "\\'\n'"};

static void fill(struct hpl_env *env)
{
	char name[16];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(awkward); i++) {
		snprintf(name, sizeof(name), "V%zu", i);
		cr_assert_eq(hpl_env_set(env, name, awkward[i], NULL), 0);
	}
}

Test(env, what_is_written_is_read_back)
{
	_cleanup_env_ struct hpl_env env = HPL_ENV_NULL, back = HPL_ENV_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	fill(&env);
	hpl_dotenv_write(&out, &env);
	cr_assert_eq(hpl_dotenv_read(&back, out.data, out.len, NULL, NULL), 0);
	for (size_t i = 0; i < env.count; i++)
		cr_assert_str_eq(hpl_env_get(&back, env.items[i].name), env.items[i].value);
}

/* The reader that matters is python-dotenv itself, where it is installed. */
Test(env, python_dotenv_reads_exactly_what_was_written)
{
	static const char program[] = "import sys\n"
		"try:\n from dotenv import dotenv_values\nexcept ImportError:\n sys.exit(77)\n"
		"v = dotenv_values(sys.argv[1])\n"
		"sys.stdout.buffer.write(b''.join(v['V%d' % i].encode() + b'\\0' for i in range(len(v))))\n";
	char path[] = "/tmp/hpl-dotenv-XXXXXX";
	int fd = mkstemp(path), status = -1;
	_cleanup_env_ struct hpl_env env = HPL_ENV_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL, got = HPL_BUF_NULL, errout = HPL_BUF_NULL;
	const char *argv[] = {"/usr/bin/python3", "-c", program, path, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 30000, .out = &got, .errout = &errout};
	struct hpl_err err = HPL_ERR_NULL;
	size_t at = 0;

	fill(&env);
	hpl_dotenv_write(&out, &env);
	cr_assert_eq(hpl_write_all(fd, out.data, out.len, NULL), 0);
	close(fd);
	if (access(argv[0], X_OK) < 0)
		cr_skip_test("no /usr/bin/python3");
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	unlink(path);
	if (status == 77)
		cr_skip_test("python-dotenv is not installed");
	cr_assert_eq(status, 0, "%s", errout.data);
	for (size_t i = 0; i < env.count; i++) {
		cr_assert_lt(at, got.len);
		cr_assert_str_eq(got.data + at, env.items[i].value, "value %zu", i);
		at += strlen(got.data + at) + 1;
	}
}

Test(env, simple_values_stay_bare_for_podmans_own_reader)
{
	_cleanup_env_ struct hpl_env env = HPL_ENV_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	hpl_env_set(&env, "A", "{\"json\": \"x y\"}", NULL);
	hpl_env_set(&env, "B", "p@ss'w$ord\"", NULL);
	hpl_dotenv_write(&out, &env);
	cr_assert_str_eq(out.data, "A={\"json\": \"x y\"}\nB=p@ss'w$ord\"\n");
}

Test(env, a_contracts_variables_are_checked)
{
	Hpl__EnvVar v = HPL__ENV_VAR__INIT, *list[] = {&v};
	_cleanup_env_ struct hpl_env env = HPL_ENV_NULL;

	v.name = (char *)"A";
	v.value = (ProtobufCBinaryData){3, (uint8_t *)"a\0b"};
	cr_assert_lt(hpl_env_add_slice(&env, list, 1, NULL), 0);
	v.value = (ProtobufCBinaryData){2, (uint8_t *)"\xc3("};
	cr_assert_lt(hpl_env_add_slice(&env, list, 1, NULL), 0);
	v.value = (ProtobufCBinaryData){0, NULL};
	cr_assert_eq(hpl_env_add_slice(&env, list, 1, NULL), 0);
	cr_assert_str_eq(hpl_env_get(&env, "A"), "");
	v.name = (char *)"A-B";
	cr_assert_lt(hpl_env_add_slice(&env, list, 1, NULL), 0);
}
