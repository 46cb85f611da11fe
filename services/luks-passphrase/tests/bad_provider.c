/* SPDX-License-Identifier: Apache-2.0 */
/* A key provider that fails as its parameters say, for test_providers.py. Installed nowhere. */
#include <unistd.h>

#include "runtime/harness/key_provider.h"

static bool wants(const struct hpl_key_ask *in, const char *word)
{
	return memmem(in->parameters, in->parameters_len, word, strlen(word)) != NULL;
}

static int ask(const struct hpl_key_ask *in, struct hpl_key_answer *out, struct hpl_err *err)
{
	if (wants(in, "key:crash"))
		abort();
	if (wants(in, "key:silent"))
		_exit(0); /* as one that thinks it has done its work */
	if (wants(in, "key:hang"))
		for (;;)
			pause();
	if (wants(in, "key:long"))
		return hpl_secret_alloc(&out->seed, HPL_KEY_SEED_MAX + 1, err);
	return HPL_FAIL(err, 0, 0, "denied: \x1b[31mred\x1b[0m\nforged line");
}

int main(void)
{
	static const struct hpl_key_provider_def def = {.name = "key-kms",
		.topic = HPL_TOPIC_CONTRACT_KEY_KMS, .stored = false, .ask = ask};

	hpl_key_provider_main(&def);
}
