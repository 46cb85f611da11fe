/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Does the receiver take our logs? A TLS connection of our own with the same certificates as
 * rsyslogd, because rsyslogd itself says only "suspended". Blocks: for a pool thread.
 */
#include "runtime/crypto/log_material.h"
#include "services/logging/rsyslog_conf.h"

struct hpl_probe {
	const char *hostname;
	unsigned port;
	const struct hpl_log_material *material;
	int timeout_ms; /* for each address: connection and handshake */
	int settle_ms;  /* how long the receiver may take to refuse us after the handshake: with
			 * TLS 1.3 a client has finished before its certificate was looked at */
};

/* 0: *ret_peers is filled with what rsyslogd may accept from this receiver. -1: *err with cause
 * and cure; *ret_retry says whether it may go away by waiting. */
int hpl_probe_run(const struct hpl_probe *p, struct hpl_log_peers *ret_peers, bool *ret_retry,
	struct hpl_err *err);
