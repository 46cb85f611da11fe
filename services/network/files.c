/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/files.h"

#include <stdio.h>

static void search(struct hpl_buf *out, const struct hpl_net_if *ifs, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ifs[i].search_count; k++) {
			hpl_buf_fmt(out, "%s %s", any ? "" : "search", ifs[i].search[k]);
			any = true;
		}
	if (any)
		hpl_buf_str(out, "\n");
}

void hpl_net_resolv_conf(struct hpl_buf *out, const struct hpl_net_if *ifs, size_t count)
{
	struct hpl_net_ip seen[HPL_NET_SERVERS];
	size_t n = 0;
	char text[INET6_ADDRSTRLEN];

	hpl_buf_str(out, "# written by the network service\n");
	search(out, ifs, count);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ifs[i].server_count && n < HPL_NET_SERVERS; k++) {
			bool known = false;

			for (size_t j = 0; j < n; j++)
				known |= hpl_net_ip_equal(&seen[j], &ifs[i].servers[k]);
			if (known)
				continue;
			seen[n++] = ifs[i].servers[k];
			hpl_net_ip_text(text, &ifs[i].servers[k]);
			hpl_buf_fmt(out, "nameserver %s\n", text);
		}
	/* a dead name server must not use up the time of a boot: 5 s and 2 tries are the defaults */
	hpl_buf_str(out, "options timeout:2 attempts:3\n");
}

void hpl_net_hosts(struct hpl_buf *out, const char *hostname)
{
	hpl_buf_str(out, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	if (hostname[0] && hpl_net_domain_valid(hostname))
		hpl_buf_fmt(out, "127.0.1.1 %s\n", hostname);
}
