/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The logging service: the logging slice and the network in, rsyslogd as its child, logging.ready
 * out. The table of states is in README.md.
 */
#include "runtime/harness/service.h"
#include "runtime/crypto/log_material.h"
#include "services/logging/probe.h"
#include "services/logging/rsyslog_conf.h"

enum hpl_logging_state {
	HPL_LOGGING_WAITING,  /* for the slice and the network */
	HPL_LOGGING_PROBING,  /* the receiver is tried */
	HPL_LOGGING_STARTING, /* rsyslogd runs, its sockets are not there yet */
	HPL_LOGGING_READY,
	HPL_LOGGING_STOPPING,
};

struct hpl_logging {
	struct hpl_service *service;
	enum hpl_logging_state state;
	uv_timer_t timer;
	bool have_slice, have_network;
	bool remote;                      /* false: the contract asks for no remote logging */
	bool said_ready;
	char hostname[256];
	unsigned port;
	struct hpl_log_material material;
	struct hpl_log_peers peers;
	/* the running probe; result fields are written on the pool thread */
	struct hpl_probe probe;
	bool probe_retry;
	char probe_cause[HPL_ERR_TEXT];   /* the last one that was logged */
	struct hpl_child *rsyslogd;
	uint64_t deadline_us;             /* of the state */
	uint64_t started_us;              /* rsyslogd */
	unsigned restarts;
	int last_fd;                      /* the socket of the last record, -1 */
	char last_line[512];              /* rsyslogd's last words */
	/* settings */
	const char *dir, *config, *socket, *dev_log, *work_dir, *program;
	char tls_dir[256], ca_file[300], cert_file[300], key_file[300];
	uint64_t connect_s, attempt_s, settle_ms, start_s, flush_s;
};

extern const struct hpl_service_def hpl_logging_def;
