/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The sandbox of one service as a value: made by hpld from a manifest, packed into a memory file,
 * unpacked and applied by hpl-launch, which then executes the service.
 *
 * The packed form never leaves the machine nor outlives the two programs, which are built
 * together; a magic number with the version refuses a mixed installation.
 */
#include <stdbool.h>

#include "runtime/base/buf.h"

/* Descriptors that hpl-launch is started with. 0 is /dev/null, 1 and 2 the log pipe. */
enum hpl_launch_fd {
	HPL_LAUNCH_BOOTSTRAP = 3, /* stays open for the service */
	HPL_LAUNCH_SPEC = 4,      /* memory file with the packed sandbox */
	HPL_LAUNCH_STATUS = 5,    /* pipe: struct hpl_launch_report when a step failed, else nothing */
	HPL_LAUNCH_NETNS = 6,     /* the empty network namespace to join; closed when not used */
	HPL_LAUNCH_CGROUP = 7,    /* cgroup.procs of the service's cgroup; closed when not used */
	HPL_LAUNCH_FIRST_FREE = 8,
};

enum hpl_sandbox_path_kind {
	HPL_PATH_READ,    /* visible, read-only */
	HPL_PATH_WRITE,   /* visible, writable; made (0700, owned by the service) when it is not there */
	HPL_PATH_DEVICE,  /* visible, device nodes work */
};

struct hpl_sandbox_path {
	uint32_t kind;
	char *path;
};

enum hpl_sandbox_flags {
	HPL_SANDBOX_PRIVILEGED = 1,    /* hpld is root: ids, capabilities, namespaces are applied */
	HPL_SANDBOX_OWN_MOUNTS = 2,    /* own root with the listed paths only */
	HPL_SANDBOX_NETWORK = 4,       /* stays in the guest's network; /etc is visible as a whole */
	HPL_SANDBOX_NEW_PRIVILEGES = 8,/* set-user-id programs work (what workloads inherit) */
};

enum { HPL_SANDBOX_PATHS = 64, HPL_SANDBOX_GROUPS = 16, HPL_SANDBOX_TEXT = 4096,
	HPL_SANDBOX_FILTER = 64 << 10 };

struct hpl_sandbox {
	char *name;               /* argv[0] of the service */
	char *program;            /* absolute path */
	char *root;               /* an empty directory where the new root is put together */
	char *bus;                /* directory of the bus socket: always visible */
	uint32_t flags;           /* enum hpl_sandbox_flags */
	uint32_t uid, gid;
	uint32_t groups[HPL_SANDBOX_GROUPS];
	uint32_t group_count;
	uint64_t capabilities;    /* bit n = capability n */
	uint64_t nofile, memlock_bytes;
	uint64_t nproc;           /* processes and threads of this user id; 0: not limited */
	struct hpl_sandbox_path paths[HPL_SANDBOX_PATHS];
	uint32_t path_count;
	void *filter;             /* struct sock_filter[], NULL: none */
	size_t filter_size;       /* bytes */
};
#define HPL_SANDBOX_NULL ((struct hpl_sandbox){0})

struct hpl_launch_report {
	int32_t sys;              /* errno */
	char step[252];           /* "mount /usr" */
};

void hpl_sandbox_done(struct hpl_sandbox *s);
/* 0, or -1 with *err when there are already HPL_SANDBOX_PATHS. path is copied. */
int hpl_sandbox_add_path(struct hpl_sandbox *s, enum hpl_sandbox_path_kind kind, const char *path,
	struct hpl_err *err);
int hpl_sandbox_pack(struct hpl_buf *out, const struct hpl_sandbox *s, struct hpl_err *err);
/* *ret is filled only on success; every length and count is checked. */
int hpl_sandbox_unpack(struct hpl_sandbox *ret, const void *data, size_t len, struct hpl_err *err);

/* "sys_admin" -> 21; -1: no such capability. */
int hpl_capability_find(const char *name);
