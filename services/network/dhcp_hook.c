/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What udhcpc runs at each event in place of a shell script: prints the lease, from udhcpc's
 * environment, as one line for the network service (lease.h) and configures nothing itself.
 * A blank inside a value becomes a comma: udhcpc separates lists by blanks.
 */
#include <stdio.h>
#include <stdlib.h>

static void print(const char *key, const char *variable)
{
	const char *value = getenv(variable);

	if (!value || !*value)
		return;
	printf(" %s=", key);
	for (; *value; value++)
		putchar(*value == ' ' ? ',' : *value > ' ' && *value < 0x7f ? *value : '?');
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	printf("lease %.20s", argv[1]);
	print("ip", "ip");
	print("mask", "mask");
	print("router", "router");
	print("dns", "dns");
	print("domain", "domain");
	print("mtu", "mtu");
	putchar('\n');
	return fflush(stdout) ? 1 : 0;
}
