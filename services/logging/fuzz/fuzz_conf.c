/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as path, host or certificate name of rsyslogd's configuration: what is quoted reads back
 * by the rules of its string literals, and nothing else leaves a literal. */
#include <stdint.h>
#include <stdio.h>

#include "services/logging/rsyslog_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A second reading of RainerScript's literals, octal and simple escapes. NULL: it does not end. */
static const char *literal(struct hpl_buf *out, const char *p)
{
	for (p++; *p != '"'; p++) {
		char c = *p;

		if (!c || (unsigned char)c < 0x20 || (unsigned char)c >= 0x7f)
			return NULL;
		if (c == '\\' && p[1] >= '0' && p[1] <= '3') {
			c = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else if (c == '\\') {
			c = *++p;
			if (c == 'n')
				c = '\n';
			else if (c != '\\' && c != '"')
				return NULL;
		}
		hpl_buf_add(out, &c, 1);
	}
	return p + 1;
}

static void quoted(const char *text)
{
	_cleanup_buf_ struct hpl_buf q = HPL_BUF_NULL, back = HPL_BUF_NULL;
	const char *end;

	hpl_rsyslog_quote(&q, text);
	end = literal(&back, q.data);
	if (!end || *end || strcmp(back.data ? back.data : "", text) != 0)
		abort();
}

/* The configuration without its literals, which must be the same for every text. */
static void skeleton(struct hpl_buf *out, const char *conf)
{
	while (*conf) {
		_cleanup_buf_ struct hpl_buf value = HPL_BUF_NULL;

		if (*conf != '"') {
			hpl_buf_add(out, conf++, 1);
			continue;
		}
		conf = literal(&value, conf);
		if (!conf)
			abort();
		hpl_buf_str(out, "\"\"");
	}
}

static int conf(struct hpl_buf *out, const char *path, const char *host, const char *peer)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_log_peers peers = {.count = 1};
	struct hpl_rsyslog_conf c = {.socket = path, .dev_log = path, .work_dir = path, .ca_file = path,
		.cert_file = path, .key_file = path, .hostname = host, .port = 6514, .peers = &peers};
	struct hpl_err err = HPL_ERR_NULL;

	snprintf(peers.names[0], sizeof(peers.names[0]), "%s", peer);
	if (hpl_rsyslog_conf_make(&text, &c, &err) < 0) {
		if (!err.text[0] || !err.msg || strchr(err.text, '\n'))
			abort();
		return -1;
	}
	skeleton(out, text.data);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf plain = HPL_BUF_NULL, a = HPL_BUF_NULL, b = HPL_BUF_NULL,
		c = HPL_BUF_NULL;
	_cleanup_free_ char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	quoted(text);
	if (conf(&plain, "/run/x", "log.example", "log.example") < 0 ||
		conf(&a, text, "log.example", "log.example") < 0 || !hpl_streq(plain.data, a.data))
		abort();
	if (conf(&b, "/run/x", text, "log.example") == 0 && !hpl_streq(plain.data, b.data))
		abort();
	if (conf(&c, "/run/x", "log.example", text) == 0 && !hpl_streq(plain.data, c.data))
		abort();
	return 0;
}
