/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The text of resolv.conf and hosts. */
#include "runtime/base/buf.h"
#include "services/network/netconfig.h"

/* Name servers and search domains of all interfaces, without repetition. */
void hpl_net_resolv_conf(struct hpl_buf *out, const struct hpl_net_if *ifs, size_t count);
/* hostname: left out when it is empty or no name. */
void hpl_net_hosts(struct hpl_buf *out, const char *hostname);
