/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The orchestrator. One struct hpld owns the loop's handles, the broker, the sinks and one struct
 * hpl_unit per service of the profile; all of it lives until main() ends.
 *
 * Files: main.c arguments; hpld.c puts the parts together and handles events; unit.c the life of a
 * service (states below); spawn.c starts a process; report.c failures and log lines; journal.c,
 * steps.c what is written down; end.c the way down; pid1.c what only process 1 does.
 */
#include <stdbool.h>
#include <stdio.h>
#include <uv.h>

#include "bus/broker.h"
#include "proto/messages.h"
#include "runtime/orchestrator/console.h"
#include "runtime/orchestrator/line.h"
#include "runtime/orchestrator/manifest.h"
#include "runtime/orchestrator/sink.h"

struct hpld;

/*
 *   IDLE -spawn-> STARTING -ready-> READY -exit 0, oneshot-> DONE
 *                    |                 |
 *                    +----- death -----+-> BACKOFF -timer-> STARTING   (restarts left)
 *                    |                 +-> FAILED                      (none left, or it said so)
 *   any -stop-> STOPPING -exit-> DONE
 */
enum hpl_unit_state {
	HPL_UNIT_IDLE, HPL_UNIT_STARTING, HPL_UNIT_READY, HPL_UNIT_BACKOFF, HPL_UNIT_STOPPING,
	HPL_UNIT_DONE, HPL_UNIT_FAILED,
};

struct hpl_unit {
	struct hpld *h;
	const struct hpl_manifest *m;
	enum hpl_unit_state state;
	pid_t pid;                /* 0: no process */
	uint32_t peer;            /* of the broker, 0: none */
	uint32_t starts;
	int spec_fd;              /* packed sandbox, the same for every start */
	int cgroup_fd;            /* cgroup.procs, -1 */
	int log_fd, status_fd;    /* our ends, -1 */
	uv_poll_t *log_poll;      /* owns log_fd; freed in its close callback */
	uv_timer_t deadline;      /* ready, then done; backoff; stop */
	uv_timer_t watch;
	uint64_t started_us, ready_us, ended_us;
	bool said_failed;         /* it published service.failed itself */
	bool reported;            /* we have said what is wrong with this process */
	bool again;               /* and it will be started again */
	struct hpl_lines lines;
	bool console;
};

struct hpld_options {
	const char *profile, *manifests, *libexec, *run, *settings, *journal, *console, *log_socket;
	const char *const *sets;  /* "service.key=value", NULL-terminated */
};

enum hpld_phase { HPLD_BOOTING, HPLD_SUCCESS, HPLD_FAILURE };

struct hpld {
	struct hpld_options opt;
	uv_loop_t *loop;
	bool pid1, root;
	struct hpl_profile profile;
	struct hpl_manifest own;      /* settings of hpld itself; name "hpld" */
	struct hpl_broker *broker;
	struct hpl_console console;
	struct hpl_sink sink;
	struct hpl_unit units[HPL_SERVICES_MAX];
	size_t unit_count;
	struct hpl_filter_cache {     /* one program for each set of groups */
		hpl_filter_groups groups;
		struct hpl_buf program;
	} filters[HPL_SERVICES_MAX];
	size_t filter_count;
	int netns_fd;                 /* the empty network namespace, -1: not root */
	int null_fd;
	char bus_dir[256], root_dir[256], steps_path[256];
	FILE *journal;
	size_t journal_bytes;
	uv_signal_t sigchld, sigterm, sigint;
	uv_timer_t boot_deadline, catch_deadline, end_timer;
	uv_poll_t kmsg_poll;
	int kmsg_fd;
	uint64_t started_us;
	enum hpld_phase phase;
	bool ending, end_failure;
	int end_stage;
	uint64_t topics_seen;         /* bit n: topic n of the table has been in the step table */
	uint64_t refused_said_us;
};

/* ---- hpld.c */
/* Reads everything, opens the bus, starts all services. The struct is zeroed, opt and loop set. */
int hpld_start(struct hpld *h, struct hpl_err *err);
struct hpl_unit *hpld_unit(struct hpld *h, const char *name);
/* A service is lost for good. */
void hpld_unit_failed(struct hpl_unit *u);
struct hpl_unit *hpld_unit_of_pid(struct hpld *h, pid_t pid);
/* Closes files and frees; the loop has stopped. */
void hpld_done(struct hpld *h);

/* ---- report.c */
/* A line of hpld's own. msg NONE: only the text. */
void hpld_log(struct hpld *h, enum hpl_severity sev, enum hpl_msg msg, const char *fmt, ...)
	HPL_PRINTF(4, 5);
/* A line of a service. */
void hpld_forward(struct hpl_unit *u, const struct hpl_line *line);
/* One error line and one service.failed event about a service (u NULL: about hpld). */
void hpld_report_failure(struct hpld *h, struct hpl_unit *u, enum hpl_msg msg, int exit_code,
	int signal, const char *fmt, ...) HPL_PRINTF(6, 7);
void hpld_report_warning(struct hpld *h, struct hpl_unit *u, enum hpl_msg msg, const char *fmt, ...)
	HPL_PRINTF(4, 5);
void hpld_publish_state(struct hpl_unit *u, const char *topic, int exit_code, int signal);

/* ---- spawn.c */
/* Packs the sandbox of the manifest, once. */
int hpl_unit_prepare(struct hpl_unit *u, struct hpl_err *err);
/* Starts the process; pid, peer and descriptors are set. */
int hpl_unit_spawn(struct hpl_unit *u, struct hpl_err *err);
int hpld_make_empty_network(struct hpld *h, struct hpl_err *err);

/* ---- unit.c */
void hpl_unit_init(struct hpl_unit *u, struct hpld *h, const struct hpl_manifest *m);
void hpl_unit_start(struct hpl_unit *u);
void hpl_unit_on_ready(struct hpl_unit *u);
/* Kills it for a reason that is a failure. */
void hpl_unit_kill(struct hpl_unit *u, enum hpl_msg why, const char *fmt, ...) HPL_PRINTF(3, 4);
void hpl_unit_stop(struct hpl_unit *u);
void hpl_unit_on_exit(struct hpl_unit *u, int exit_code, int signal);
void hpl_unit_close(struct hpl_unit *u);
bool hpl_unit_runs(const struct hpl_unit *u);
const char *hpl_unit_state_name(enum hpl_unit_state s);
/* Takes all dead children; handler of SIGCHLD. */
void hpld_reap(struct hpld *h);

/* ---- journal.c */
int hpld_journal_open(struct hpld *h, struct hpl_err *err);
void hpld_journal_event(struct hpld *h, const Hpl__Event *ev);

/* ---- steps.c */
/* Appends "<name> <what>"; what may be empty. */
void hpld_step(struct hpld *h, const char *name, const char *what, uint64_t start_us,
	uint64_t end_us);
/* Says the table of steps and the memory of all services. */
void hpld_say_tables(struct hpld *h);

/* ---- end.c */
/* Begins the shutdown; the loop stops at its end. Later calls do nothing. */
void hpld_end(struct hpld *h, bool failure, const char *reason);
/* A process has ended while the shutdown runs. */
void hpld_end_progress(struct hpld *h);

/* ---- pid1.c */
int hpld_pid1_setup(struct hpld *h, struct hpl_err *err);
void hpld_pid1_watch(struct hpld *h);       /* ctrl-alt-del, power button, kernel log */
void hpld_pid1_power_off(struct hpld *h) __attribute__((noreturn));
/* Makes /sys/fs/cgroup/hpl/<service>; -1 fd: no cgroups here. */
int hpld_cgroup_make(const struct hpl_manifest *m);
