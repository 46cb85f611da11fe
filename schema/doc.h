/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A document from inside: what the readers fill. Inner header of this folder. */
#include "schema/arena.h"
#include "schema/node.h"

struct hpl_doc {
	struct hpl_arena arena;
	struct hpl_node *root;
};

enum {
	HPL_READ_BYTES = 16 << 20,  /* four times what a hypervisor accepts as user-data */
	HPL_READ_DEPTH = 64,        /* a pod of Kubernetes is about 12 deep */
	HPL_READ_NODES = 1000000,
};

struct hpl_doc *hpl_doc_new(void);
