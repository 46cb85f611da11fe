/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: one JSON line for each event, appended. Payloads of confidential events never get
 * here (the broker gives none); of the others, those that say why something happened.
 */
#include <errno.h>

#include "proto/topics.h"
#include "runtime/orchestrator/hpld.h"

enum { JOURNAL_BYTES = 8 << 20 }; /* some 30 000 events; a boot has a hundred, it lies in memory */

int hpld_journal_open(struct hpld *h, struct hpl_err *err)
{
	h->journal = fopen(h->opt.journal, "ae");
	if (!h->journal)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, errno, "cannot open the journal %s",
			h->opt.journal);
	setvbuf(h->journal, NULL, _IOLBF, 4096);
	return 0;
}

static void put_string(struct hpl_buf *out, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	hpl_buf_fmt(out, ",\"%s\":\"", name);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			hpl_buf_fmt(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			hpl_buf_fmt(out, "\\u%04x", c);
		else
			hpl_buf_add(out, text, 1);
	}
	hpl_buf_str(out, "\"");
}

static void put_failure(struct hpl_buf *out, const Hpl__Failure *f)
{
	put_string(out, "service", f->service);
	put_string(out, "cause", f->cause);
	put_string(out, "place", f->place);
	if (f->exit_code)
		hpl_buf_fmt(out, ",\"exit_code\":%d", f->exit_code);
	if (f->signal)
		hpl_buf_fmt(out, ",\"signal\":%d", f->signal);
}

static void put_event(struct hpl_buf *out, const Hpl__Event *ev)
{
	static const char *const severity[] = {"", "info", "warning", "error"};
	const struct hpl_topic *topic = hpl_topic_find(ev->topic);

	hpl_buf_fmt(out, "{\"seq\":%llu,\"wall_us\":%llu,\"mono_us\":%llu", (unsigned long long)ev->seq,
		(unsigned long long)ev->wall_us, (unsigned long long)ev->mono_us);
	put_string(out, "source", ev->source);
	put_string(out, "topic", ev->topic);
	put_string(out, "message_id", ev->message_id);
	if (ev->severity > 0 && ev->severity <= 3)
		put_string(out, "severity", severity[ev->severity]);
	put_string(out, "text", ev->text);
	if (topic && topic->reader)
		hpl_buf_str(out, ",\"confidential\":true");
	else if (ev->payload_case == HPL__EVENT__PAYLOAD_FAILURE)
		put_failure(out, ev->failure);
	else if (ev->payload_case == HPL__EVENT__PAYLOAD_SERVICE_STATE)
		put_string(out, "service", ev->service_state->service);
	else if (ev->payload_case == HPL__EVENT__PAYLOAD_SHUTDOWN)
		put_string(out, "reason", ev->shutdown->reason);
	hpl_buf_str(out, "}\n");
}

void hpld_journal_event(struct hpld *h, const Hpl__Event *ev)
{
	_cleanup_buf_ struct hpl_buf line = HPL_BUF_NULL;

	if (!h->journal || h->journal_bytes > JOURNAL_BYTES)
		return;
	put_event(&line, ev);
	if (line.failed)
		return;
	h->journal_bytes += line.len;
	if (h->journal_bytes > JOURNAL_BYTES)
		fputs("{\"full\":true}\n", h->journal);
	else
		fwrite(line.data, 1, line.len, h->journal);
}
