/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One try to reach a host: name lookup, then a TCP connection. Blocks: for a pool thread. */
#include "runtime/base/err.h"

enum hpl_reach {
	HPL_REACHED = 0,
	HPL_REACH_NO_NAME = 1,    /* *err has the cause */
	HPL_REACH_NO_ANSWER = 2,  /* no address took the connection; *err has the cause of the last */
};
/* timeout_ms: for each address. */
enum hpl_reach hpl_reach_try(const char *host, unsigned port, int timeout_ms, struct hpl_err *err);
