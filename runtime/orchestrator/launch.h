/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* From manifest to sandbox; apart from hpld.h for its test. */
#include "runtime/base/file.h"
#include "runtime/base/secret.h"
#include "runtime/orchestrator/hpld.h"

/* Group that may connect to the bus; a number, because the guest's /etc/group need not name it. */
enum { HPL_BUS_GID = 800 };

/* Uses h->root, opt.libexec, root_dir and bus_dir. */
int hpl_sandbox_of_manifest(struct hpl_sandbox *ret, struct hpld *h,
	const struct hpl_manifest *m, struct hpl_err *err);
