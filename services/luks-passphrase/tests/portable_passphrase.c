/* SPDX-License-Identifier: Apache-2.0 */
/* The passphrase on any byte order: FIPS 180-2 gives the digest of "abc". Prints TAP. */
#include <stdio.h>

#include "services/luks-passphrase/passphrase.h"

static int derive(const char *env, const char *workload, const char *want)
{
	_cleanup_secret_ struct hpl_secret p = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	const struct hpl_seed seeds[] = {{env, strlen(env)}, {workload, strlen(workload)}};

	if (hpl_passphrase_derive(&p, seeds, 2, &err) < 0)
		return 0;
	return p.len == HPL_PASSPHRASE_LEN && memcmp(p.data, want, p.len) == 0;
}

int main(void)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	int a = derive("a", "bc", abc), b = derive("ab", "c", abc), c = !derive("bc", "a", abc);

	printf("1..3\n%sok 1 - digest of abc from a and bc\n%sok 2 - and from ab and c\n"
	       "%sok 3 - the order of the seeds counts\n",
		a ? "" : "not ", b ? "" : "not ", c ? "" : "not ");
	return a && b && c ? 0 : 1;
}
