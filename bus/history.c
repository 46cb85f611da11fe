/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a boot: a ring of the last HPL_BUS_HISTORY_EVENTS events. Peers hold positions in
 * it, not copies. When it is full the oldest goes; a connected subscriber that has not taken
 * it is stuck, and what a service without a process has missed is told when it comes back.
 */
#include "bus/internal.h"

struct entry *hpl_entry_new(struct hpl_broker *b, unsigned topic, size_t len)
{
	int confidential = hpl_topics[topic].reader != NULL;
	struct entry *e = malloc(sizeof(*e) + (confidential ? 0 : len));

	(void)b;
	if (!e)
		return NULL;
	*e = (struct entry){.len = (uint32_t)len, .topic = (uint16_t)topic};
	if (confidential && hpl_secret_alloc(&e->secret, len, NULL) < 0) {
		free(e);
		return NULL;
	}
	return e;
}

uint8_t *hpl_entry_bytes(struct entry *e)
{
	return e->secret.data ? e->secret.data : e->data;
}

void hpl_entry_free(struct entry *e)
{
	if (!e)
		return;
	hpl_secret_done(&e->secret);
	free(e);
}

static void evict_oldest(struct hpl_broker *b)
{
	uint64_t seq = b->first++;
	struct entry *e = hpl_history_at(b, seq);

	for (struct service *s = b->services; s; s = s->next) {
		struct peer *p = s->peer;

		if (p && hpl_slot_get(&p->sent, seq)) {
			hpl_slot_clear(&p->sent, seq);
			p->unacked_events--;
			p->unacked_bytes -= e->len;
		}
		if (e->len == 0 || hpl_slot_get(&s->acked, seq) || !hpl_service_may_see(s, e->topic))
			continue;
		if (p && p->connected)
			hpl_peer_cut(b, p);
		else
			s->missed++;
	}
	b->history_bytes -= e->len;
	b->ring[seq % SLOTS] = NULL;
	hpl_entry_free(e);
	if (!b->overflow_told) {
		b->overflow_told = 1;
		hpl_broker_refuse(b, NULL, 0, HPL_MSG_BUS_HISTORY_FULL,
			"the history holds %llu events; from now on the oldest leave it",
			(unsigned long long)(b->next - b->first));
	}
}

void hpl_history_append(struct hpl_broker *b, struct entry *e)
{
	while (b->next - b->first >= SLOTS ||
		(b->next > b->first && b->history_bytes + e->len > HPL_BUS_HISTORY_BYTES))
		evict_oldest(b);
	for (struct service *s = b->services; s; s = s->next)
		hpl_slot_clear(&s->acked, e->seq);
	b->ring[e->seq % SLOTS] = e;
	b->history_bytes += e->len;
	b->next = e->seq + 1;
}
