/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a guest would do with a contract, as a JSON document; the text for people is made of that
 * document, so both say the same. Values of secrets and of variables are not in it.
 */
#include "proto/events.pb-c.h"
#include "runtime/contract/slices.h"
#include "runtime/tool/output.h"
#include "schema/schema.h"
#include "services/contract/tool/opened.h"

struct hpl_plan {
	const struct hpl_opened *opened;
	const struct hpl_contract *c;
	const char *product;
	const struct hpl_faults *faults;   /* of the check, gravest first */
	bool valid;
	struct hpl_slice slice;            /* what the messages below borrow from */
	Hpl__WorkloadSlice workload;
	struct hpl_json json;
};

/* The whole document into p->json. The caller has checked that the form is right. */
int hpl_plan_make(struct hpl_plan *p, struct hpl_err *err);
/* containers, images, ports: member "workload". */
int hpl_plan_workload(struct hpl_plan *p, struct hpl_err *err);
/* Who reads what: member "secrets". */
void hpl_plan_secrets(struct hpl_plan *p);
void hpl_plan_done(struct hpl_plan *p);

/* The document as text. */
int hpl_plan_text(struct hpl_buf *out, const struct hpl_buf *json, struct hpl_err *err);

/* Is the section a token in the file, so that the host and the other party cannot read it? */
bool hpl_plan_is_closed_to_host(const struct hpl_plan *p, const char *section);
/* Member key of a section's tree, NULL: absent or not opened. */
static inline const struct hpl_node *hpl_plan_env(const struct hpl_plan *p, const char *key)
{
	return hpl_node_get(hpl_contract_env(p->c), key);
}
static inline const struct hpl_node *hpl_plan_load(const struct hpl_plan *p, const char *key)
{
	return hpl_node_get(hpl_contract_workload(p->c), key);
}
