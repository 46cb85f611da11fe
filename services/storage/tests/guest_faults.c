/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a virtual machine as child of its first process, with a disk that lies or fails as it is
 * told (guest_victim.h). Prints TAP.
 *
 * guest-faults CASE...
 *   mutations   forged headers are refused before anything of the data is read
 *   lies        later reads are answered with something else than earlier ones
 *   reads       each read of a boot fails in turn, once or for ever
 *   thousand    a thousand boots with failing reads at places that matter
 *   hundred     the first hundred of them
 *   writes      writes and flushes of the making fail in turn
 *   slow        the connection to the disk is lost for a moment; the disk is slow
 *   plug        disks that come late, go, change places, or have the same name or serial
 *   kept        volumes made by hand, opened by hand, and kept from earlier releases
 *   metadata    metadata partitions that were made by hand
 */
#include "services/storage/tests/guest_faults.h"

#include <sys/stat.h>

#include "runtime/base/clock.h"
#include "services/storage/tests/guest.h"
#include "services/storage/tests/guest_victim.h"

static const struct { const char *name; void (*run)(void); } cases[] = {
	{"mutations", case_mutations},
	{"lies", case_lies},
	{"reads", case_reads},
	{"thousand", case_thousand},
	{"hundred", case_hundred},
	{"writes", case_writes},
	{"slow", case_slow},
	{"plug", case_plug},
	{"kept", case_kept},
	{"metadata", case_metadata},
};

int main(int argc, char **argv)
{
	static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

	if (hpl_secret_copy(&pass, text, 64, NULL) < 0)
		return 2;
	(void)mkdir("/mnt/data", 0700); /* also mounted on by hand */
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < HPL_ARRAY_SIZE(cases); k++)
			if (hpl_streq(argv[i], cases[k].name)) {
				uint64_t t = hpl_mono_us();
				cases[k].run();
				printf("# %s: %.1f s\n", argv[i], (double)(hpl_mono_us() - t) / 1e6);
			}
	return finish();
}
