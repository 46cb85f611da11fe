/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a line of the DHCP hook: what becomes of it can be set and written to resolv.conf. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

#include "runtime/base/buf.h"
#include "services/network/files.h"
#include "services/network/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_net_if lease = {.name = "eth0"};

	if (hpl_lease_parse(&lease, (const char *)data, size) != HPL_LEASE_BOUND) {
		if (lease.address_count)
			abort();
		return 0;
	}
	if (lease.address_count != 1 || lease.addresses[0].ip.family != AF_INET || !lease.addresses[0].length ||
		lease.addresses[0].length > 32 || lease.server_count > HPL_NET_SERVERS ||
		lease.search_count > HPL_NET_SEARCH || (lease.mtu && lease.mtu < 68))
		abort();
	hpl_net_resolv_conf(&out, &lease, 1);
	for (size_t i = 0; i < out.len; i++)
		if (!isprint((unsigned char)out.data[i]) && out.data[i] != '\n')
			abort();
	return 0;
}
