/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The configuration of the guest's rsyslogd, made as text. Every value is quoted; a host name that
 * is no host name does not get that far.
 */
#include <stdbool.h>

#include "runtime/base/buf.h"

enum { HPL_LOG_PEERS = 8, HPL_LOG_PEER_LEN = 256 };

/* By what rsyslogd recognises the receiver. */
struct hpl_log_peers {
	bool fingerprint; /* names[0] is "SHA1:xx:..." of the one certificate */
	char names[HPL_LOG_PEERS][HPL_LOG_PEER_LEN];
	size_t count;
	/* Numeric address to connect to, or empty: the host name. rsyslog tries only the first address
	 * of a name (8.2302); it is set when another one is the one that answered. */
	char address[64];
};

struct hpl_rsyslog_conf {
	const char *socket, *dev_log; /* paths of the two inputs */
	const char *work_dir;         /* queue files */
	const char *ca_file, *cert_file, *key_file;
	const char *hostname;         /* of the receiver; NULL: records are taken and dropped */
	unsigned port;
	const struct hpl_log_peers *peers;
};

/* Is text a host name (RFC 1123), an IPv4 or an IPv6 address? */
bool hpl_log_host_valid(const char *text);
/* Appends text as a quoted RainerScript string. */
void hpl_rsyslog_quote(struct hpl_buf *out, const char *text);
int hpl_rsyslog_conf_make(struct hpl_buf *out, const struct hpl_rsyslog_conf *c, struct hpl_err *err);
