/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A real hpld on a directory of its own with manifests made by the test. What it does is seen in
 * its journal and on its console. Every wait has a deadline, after which everything is printed.
 */
#include <stdbool.h>
#include <sys/types.h>

enum { RIG_DEADLINE_MS = 30000 };

struct rig {
	char dir[64];
	char services[1024];
	char extra[256];       /* more lines of the profile */
	char console[128];     /* file or pipe that is the console */
	char log_socket[128];
	pid_t pid;
	int uid;               /* of the next service */
};

void rig_new(struct rig *r);
/* A service in the given mode; more: further manifest lines, sandbox: further lines of sandbox. */
void rig_add(struct rig *r, const char *name, const char *mode, const char *lifetime,
	const char *more, const char *sandbox);
void rig_start(struct rig *r);
/* Waits for a line of the journal (file "journal") or console with both parts; aborts the test
 * at the deadline. The line is copied to ret (NULL: not wanted), at most 4096 bytes. */
void rig_expect(struct rig *r, const char *file, const char *a, const char *b, char *ret);
int rig_count(struct rig *r, const char *file, const char *a, const char *b);
/* Asks hpld to end (SIGTERM) and returns its exit status. */
int rig_end(struct rig *r);
/* Waits for it to end by itself. */
int rig_wait(struct rig *r);
/* A process of this name that hpld started; 0: none. */
pid_t rig_service_pid(struct rig *r, const char *program);
void rig_free(struct rig *r);
