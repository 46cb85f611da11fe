/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Profile, manifests and settings as values. docs/manifest.md describes the files. Every key and
 * value is checked: an unknown key, a wrong kind, a topic that does not exist or a confidential
 * topic in a manifest other than its reader's is refused with file, line and column.
 */
#include <stdbool.h>

#include "runtime/launcher/filter.h"
#include "runtime/launcher/sandbox.h"

/* A list of names, NULL-terminated, owned. */
struct hpl_names {
	char **items;   /* NULL when empty */
	size_t count;
};
bool hpl_names_has(const struct hpl_names *n, const char *name);

struct hpl_setting {
	char *name;
	char *value;
};

enum hpl_lifetime { HPL_ONESHOT, HPL_DAEMON };

enum { HPL_SERVICES_MAX = 32, HPL_SETTINGS_MAX = 64, HPL_MANIFEST_BYTES = 64 << 10 };

struct hpl_manifest {
	char *name;
	char *program;              /* file name in the libexec directory */
	struct hpl_names tags;      /* at least one */
	bool console;
	bool lifetime_daemon;       /* as it was written */
	enum hpl_lifetime lifetime;
	struct hpl_names receive, publish;
	uint32_t ready_s, done_s, watchdog_s, restart, stop_s;
	struct hpl_setting settings[HPL_SETTINGS_MAX];
	size_t setting_count;
	uint32_t uid;
	uint32_t groups[HPL_SANDBOX_GROUPS];
	uint32_t group_count;
	uint64_t capabilities;
	bool network, own_mounts, new_privileges;
	struct hpl_names read, write, devices;
	hpl_filter_groups syscalls;
	uint32_t memory_mb, nofile, nproc, memlock_kb; /* memory_mb 0: no limit */
};

struct hpl_profile {
	char *name;
	struct hpl_names services;
	uint32_t boot_deadline_s;
	struct hpl_names success;
	struct hpl_manifest *manifests;  /* one for each service, in the order of the profile */
};

/* text is the file; file is the name used in places. -1: err->msg is HPL21005E, with a place. */
int hpl_manifest_parse(struct hpl_manifest *ret, const char *file, const char *text, size_t len,
	struct hpl_err *err);
void hpl_manifest_done(struct hpl_manifest *m);
int hpl_profile_parse(struct hpl_profile *ret, const char *file, const char *text, size_t len,
	struct hpl_err *err);
/* Reads the profile and DIR/<service>.yaml (or DIR/<service>/manifest.yaml, the source tree) of
 * every service in it. */
int hpl_profile_load(struct hpl_profile *ret, const char *profile, const char *manifests,
	struct hpl_err *err);
void hpl_profile_done(struct hpl_profile *p);
struct hpl_manifest *hpl_profile_find(struct hpl_profile *p, const char *service);

/* Sets or replaces. -1: too many. */
int hpl_manifest_set(struct hpl_manifest *m, const char *name, const char *value,
	struct hpl_err *err);
/* {service: {key: scalar}}. Unknown services are refused; those of the pseudo service "hpld" go to
 * *hpld, whose name is "hpld". */
int hpl_settings_parse(struct hpl_profile *p, struct hpl_manifest *hpld, const char *file,
	const char *text, size_t len, struct hpl_err *err);
/* "service.key=value" of the command line */
int hpl_settings_argument(struct hpl_profile *p, struct hpl_manifest *hpld, const char *argument,
	struct hpl_err *err);
const char *hpl_manifest_setting(const struct hpl_manifest *m, const char *name,
	const char *fallback);
