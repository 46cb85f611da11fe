/* SPDX-License-Identifier: Apache-2.0 */
/* Up to the first NUL a .env file, behind it a text with variables. What was read from a file is
 * written such that it reads back; texts without a dollar or brace stay as they are. */
#include <stdint.h>

#include "runtime/workload/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct hpl_env *a, const struct hpl_env *b)
{
	if (a->count != b->count)
		abort();
	for (size_t i = 0; i < a->count; i++)
		if (!hpl_streq(hpl_env_get(b, a->items[i].name), a->items[i].value))
			abort();
}

static void round_trip(const char *text, size_t len, const struct hpl_env *base)
{
	_cleanup_env_ struct hpl_env env = HPL_ENV_NULL, back = HPL_ENV_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_dotenv_read(&env, text, len, base, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	for (size_t i = 0; base && i < env.count; i++)
		if (hpl_env_get(base, env.items[i].name))
			abort();
	hpl_dotenv_write(&out, &env);
	if (hpl_dotenv_read(&back, out.data ? out.data : "", out.len, NULL, &err) < 0)
		abort();
	same(&env, &back);
}

static void expand(const char *text, const struct hpl_env *env)
{
	_cleanup_buf_ struct hpl_buf a = HPL_BUF_NULL, b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_env_interpolate(&a, text, env, &err) < 0) {
		if (!strstr(text, "?") || !err.text[0])
			abort();
	} else if (!strchr(text, '$') && strcmp(a.data ? a.data : "", text) != 0) {
		abort();
	}
	if (hpl_env_template(&b, text, env, &err) < 0) {
		if (!strstr(text, "{{") || !err.text[0])
			abort();
	} else if (!strstr(text, "{{") && strcmp(b.data ? b.data : "", text) != 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	_cleanup_env_ struct hpl_env base = HPL_ENV_NULL;
	size_t first;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	first = strlen(text);
	hpl_env_set(&base, "HOST", "reg.example", NULL);
	hpl_env_set(&base, "EMPTY", "", NULL);
	round_trip(text, first, NULL);
	round_trip(text, first, &base);
	expand(first < size ? text + first + 1 : text, &base);
	return 0;
}
