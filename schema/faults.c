/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "proto/messages.h"
#include "schema/schema.h"

enum { FAULTS_DEFAULT = 100 };

bool hpl_faults_full(const struct hpl_faults *f)
{
	return f->count >= (f->limit ? f->limit : FAULTS_DEFAULT);
}

int hpl_faults_add(struct hpl_fault **ret, struct hpl_faults *f, struct hpl_err *err)
{
	if (hpl_faults_full(f))
		return 1;
	if (f->count == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 8;
		struct hpl_fault *p = reallocarray(f->items, cap, sizeof(*p));
		if (!p)
			return HPL_OOM(err);
		f->items = p;
		f->cap = cap;
	}
	*ret = &f->items[f->count++];
	memset(*ret, 0, sizeof(**ret));
	return 0;
}

bool hpl_fault_is_error(const struct hpl_fault *f)
{
	return hpl_msg_info(f->msg)->severity <= HPL_SEV_ERR;
}

void hpl_faults_done(struct hpl_faults *f)
{
	free(f->items);
	*f = (struct hpl_faults){.limit = f->limit};
}
