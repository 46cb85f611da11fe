/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as network-config: judged; what is good is shown, and must hold together. */
#include <stdint.h>
#include <stdlib.h>

#include "runtime/base/buf.h"
#include "services/network/netconfig.h"

static void hold(const struct hpl_net_config *c)
{
	if (!c->count || c->count > HPL_NET_IFS)
		abort();
	for (size_t i = 0; i < c->count; i++) {
		const struct hpl_net_if *p = &c->ifs[i];

		if (p->address_count > HPL_NET_ADDRESSES || p->route_count > HPL_NET_ROUTES ||
			p->server_count > HPL_NET_SERVERS || p->search_count > HPL_NET_SEARCH ||
			p->parent >= (int)c->count || (*p->name && !hpl_net_name_valid(p->name)) ||
			(!*p->name && !p->match) || (p->kind == HPL_NET_VLAN && p->parent < 0))
			abort();
		for (size_t k = 0; k < p->address_count; k++)
			if (!p->addresses[k].ip.family || !p->addresses[k].length)
				abort();
		for (size_t k = 0; k < p->route_count; k++)
			if (!p->routes[k].via.family || p->routes[k].to.ip.family != p->routes[k].via.family)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hpl_net_config c;
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	int rc = hpl_net_config_read(&c, (const char *)data, size, &faults, &err);
	size_t errors = 0;

	for (size_t i = 0; i < faults.count; i++) {
		errors += hpl_fault_is_error(&faults.items[i]);
		if (!faults.items[i].pos.line || !*faults.items[i].text)
			abort();
	}
	if (rc < 0 || (rc == 0) != (errors == 0))
		abort();
	if (rc == 0) {
		hold(&c);
		hpl_net_config_show(&out, &c);
		if (!out.len)
			abort();
	}
	hpl_faults_done(&faults);
	return 0;
}
