/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/orchestrator/manifest.h"

#define MINIMAL                                                                                    \
	"name: storage\nprogram: hpl-storage\ntags: [hpcr-disk-mount]\nlifetime: oneshot\n"        \
	"sandbox: {uid: 0}\n"

static int parse(struct hpl_manifest *m, const char *text, struct hpl_err *err)
{
	*err = HPL_ERR_NULL;
	return hpl_manifest_parse(m, "m.yaml", text, strlen(text), err);
}

static void refused(const char *text, const char *place, const char *part)
{
	struct hpl_manifest m = {0};
	struct hpl_err err;

	cr_assert_eq(parse(&m, text, &err), -1, "accepted: %s", text);
	cr_assert_eq(err.msg, HPL_MSG_ORCHESTRATOR_PROFILE);
	cr_assert(strstr(err.place, place), "place is '%s', not '%s' (%s)", err.place, place, err.text);
	cr_assert(strstr(err.text, part), "text is '%s', not '%s'", err.text, part);
	cr_assert_null(m.name);
}

Test(manifest, the_least_one_gets_safe_defaults)
{
	struct hpl_manifest m;
	struct hpl_err err;

	cr_assert_eq(parse(&m, MINIMAL, &err), 0, "%s", err.text);
	cr_assert_eq(m.lifetime, HPL_ONESHOT);
	cr_assert_eq(m.network, false);
	cr_assert_eq(m.own_mounts, true);
	cr_assert_eq(m.new_privileges, false);
	cr_assert_eq(m.capabilities, 0);
	cr_assert_eq(m.syscalls, hpl_filter_group_find("base"));
	cr_assert_eq(m.restart, 0);
	cr_assert_eq(m.console, false);
	hpl_manifest_done(&m);
}

Test(manifest, a_full_one_is_read)
{
	struct hpl_manifest m;
	struct hpl_err err;

	cr_assert_eq(parse(&m,
		"name: storage\nprogram: hpl-storage\ntags: [hpcr-disk-mount, hpcr-disk-standby]\n"
		"console: true\nlifetime: oneshot\nreceive: [contract.volumes, luks.passphrases]\n"
		"publish: [storage.ready]\nready_s: 3\ndone_s: 20\nwatchdog_s: 4\nrestart: 2\nstop_s: 1\n"
		"settings: {wait_s: 900, path: /dev, loud: true}\n"
		"sandbox:\n  uid: 7\n  groups: [5, 6]\n  capabilities: [sys_admin, chown]\n  network: true\n"
		"  mounts: shared\n  new_privileges: true\n  read: [/a/b]\n  write: [/c]\n"
		"  devices: [/dev/mapper]\n  syscalls: [base, file]\n  memory_mb: 1\n  nofile: 99\n"
		"  nproc: 3\n  memlock_kb: 8\n", &err), 0, "%s %s", err.place, err.text);
	cr_assert_eq(m.tags.count, 2);
	cr_assert_eq(m.capabilities, 1ULL << 21 | 1);
	cr_assert_eq(m.group_count, 2);
	cr_assert_eq(m.groups[1], 6);
	cr_assert(hpl_names_has(&m.receive, "luks.passphrases"));
	cr_assert_str_eq(hpl_manifest_setting(&m, "wait_s", ""), "900");
	cr_assert_str_eq(hpl_manifest_setting(&m, "loud", ""), "true");
	cr_assert_str_eq(hpl_manifest_setting(&m, "none", "fallback"), "fallback");
	cr_assert_eq(m.own_mounts, false);
	cr_assert_eq(m.nproc, 3);
	hpl_manifest_done(&m);
}

Test(manifest, faults_name_their_place)
{
	refused(MINIMAL "colour: red\n", "m.yaml:6:1 colour", "is no key");
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: oneshot\nsandbox:\n  uid: 0\n  uidd: 1\n",
		"m.yaml:7:3 uidd", "is no key");
	refused(MINIMAL "console: 1\n", "m.yaml:6:10 console", "must be");
	refused(MINIMAL "ready_s: 0\n", "m.yaml:6:10 ready_s", "outside 1 to 3600");
	refused(MINIMAL "ready_s: -5\n", "m.yaml:6:10 ready_s", "outside");
	refused(MINIMAL "ready_s: 99999999999999\n", "m.yaml:6:10 ready_s", "outside");
	refused(MINIMAL "restart: [1]\n", "m.yaml:6:10 restart", "must be");
	refused(MINIMAL "receive: [no.such]\n", "m.yaml:6:11 receive", "topic");
	refused(MINIMAL "receive: [disk.check, disk.check]\n", "m.yaml:6:23 receive", "twice");
	refused("program: p\ntags: [t]\nlifetime: oneshot\nsandbox: {uid: 0}\n", "name", "missing");
	refused("name: a\nprogram: p\ntags: []\nlifetime: oneshot\nsandbox: {uid: 0}\n", "tags",
		"at least one");
	refused("name: a\nprogram: ../p\ntags: [t]\nlifetime: oneshot\nsandbox: {uid: 0}\n", "program",
		"a name");
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: daemon\ndone_s: 3\nsandbox: {uid: 0}\n",
		"m.yaml:5:9 done_s", "oneshot");
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: often\nsandbox: {uid: 0}\n", "lifetime",
		"oneshot or daemon");
}

Test(manifest, a_confidential_topic_has_one_reader)
{
	refused(MINIMAL "receive: [contract.seeds]\n", "m.yaml:6:11 receive", "only luks-passphrase");
	refused("name: disk-check\nprogram: p\ntags: [t]\nlifetime: daemon\nsandbox: {uid: 0}\n"
		"receive: [luks.passphrases]\n", "m.yaml:6:11 receive", "only storage");
	refused(MINIMAL "receive: [key.seeds]\n", "m.yaml:6:11 receive", "only luks-passphrase");
	refused(MINIMAL "receive: [contract.key-kms]\n", "m.yaml:6:11 receive", "only key-kms");
	refused(MINIMAL "publish: [system.boot]\n", "publish", "hpld only");
	refused(MINIMAL "publish: [system.shutdown]\n", "publish", "catch only");
}

Test(manifest, paths_are_absolute_and_plain)
{
	static const char *const bad[] = {"a", "/", "/a/../b", "/a/.", "/a//b", "/a/", "''", "/.."};
	char text[512];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "name: a\nprogram: p\ntags: [t]\nlifetime: oneshot\n"
			"sandbox: {uid: 0, write: [%s]}\n", bad[i]);
		refused(text, "write", "path");
	}
}

Test(manifest, sandbox_words_are_known_ones)
{
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: oneshot\nsandbox: {uid: 0, syscalls: [all]}\n",
		"syscalls", "group");
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: oneshot\nsandbox: {uid: 0, capabilities: [CAP_KILL]}\n",
		"capabilities", "capability");
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: oneshot\nsandbox: {uid: 70000}\n", "uid",
		"outside");
	refused("name: a\nprogram: p\ntags: [t]\nlifetime: oneshot\nsandbox: {uid: 0, mounts: own}\n",
		"mounts", "shared or private");
}

Test(manifest, every_truncation_of_a_good_one_is_answered)
{
	static const char text[] = MINIMAL "settings: {a: 1, b: 'x y'}\nreceive: [disk.check]\n";
	struct hpl_manifest m;
	struct hpl_err err;

	for (size_t n = 0; n < sizeof(text); n++)
		if (hpl_manifest_parse(&m, "m", text, n, &err) == 0)
			hpl_manifest_done(&m);
}

/* Every byte of a good file replaced by each of some evil ones: refused or read, never a crash. */
Test(manifest, every_evil_byte_is_answered, .timeout = 100)
{
	static const char evil[] = "\0\n\t :[]{}&*!|>'\"%@`#-,?\xff\x80" "9";
	static const char good[] = MINIMAL "settings: {a: 1, b: 'x y'}\nreceive: [disk.check]\n";
	struct hpl_manifest m;
	struct hpl_err err;
	char text[sizeof(good)];

	for (size_t at = 0; at + 1 < sizeof(good); at++) {
		for (size_t e = 0; e + 1 < sizeof(evil); e++) {
			memcpy(text, good, sizeof(good));
			text[at] = evil[e];
			if (hpl_manifest_parse(&m, "m", text, sizeof(good) - 1, &err) == 0)
				hpl_manifest_done(&m);
			else
				cr_assert(err.text[0] && err.msg);
		}
	}
}

Test(manifest, hostile_files_are_refused)
{
	const char *dir = HPL_TEST_CORPUS;
	DIR *d = opendir(dir);
	struct dirent *e;
	int count = 0;

	cr_assert_not_null(d, "%s", dir);
	while ((e = readdir(d))) {
		_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
		_cleanup_free_ char *path = hpl_path_join(dir, e->d_name);
		struct hpl_manifest m;
		struct hpl_err err = HPL_ERR_NULL;

		if (strncmp(e->d_name, "bad-", 4) != 0)
			continue;
		cr_assert_eq(hpl_file_read(&text, path, 1 << 20, &err), 0);
		cr_assert_eq(hpl_manifest_parse(&m, e->d_name, text.data ? text.data : "", text.len, &err), -1,
			"%s was accepted", e->d_name);
		cr_assert_eq(err.msg, HPL_MSG_ORCHESTRATOR_PROFILE, "%s", e->d_name);
		cr_assert(err.place[0], "%s has no place", e->d_name);
		count++;
	}
	closedir(d);
	cr_assert_gt(count, 9);
}

Test(profile, services_and_deadline_are_read)
{
	static const char text[] = "profile: hpvs\nservices: [a, b]\nboot_deadline_s: 5\n"
		"success: [workload.started]\n";
	struct hpl_profile p;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_profile_parse(&p, "p", text, strlen(text), &err), 0, "%s", err.text);
	cr_assert_eq(p.services.count, 2);
	cr_assert_eq(p.boot_deadline_s, 5);
	hpl_profile_done(&p);
	cr_assert_eq(hpl_profile_parse(&p, "p", "profile: x\nservices: []\n", 24, &err), -1);
	cr_assert_eq(hpl_profile_parse(&p, "p", "services: [a]\n", 14, &err), -1);
}

static void load_two(struct hpl_profile *p)
{
	static const char text[] = "profile: hpvs\nservices: [storage]\n";
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_profile_parse(p, "p", text, strlen(text), &err), 0);
	p->manifests = calloc(1, sizeof(*p->manifests));
	cr_assert_eq(parse(&p->manifests[0], MINIMAL "settings: {a: 1}\n", &err), 0);
}

Test(settings, the_image_overrides_the_manifest_and_the_command_line_both)
{
	static const char text[] = "storage: {a: 2, b: text}\nhpld: {console: true}\n";
	struct hpl_manifest own = {0};
	struct hpl_profile p;
	struct hpl_err err = HPL_ERR_NULL;

	load_two(&p);
	cr_assert_eq(hpl_settings_parse(&p, &own, "s", text, strlen(text), &err), 0, "%s", err.text);
	cr_assert_str_eq(hpl_manifest_setting(&p.manifests[0], "a", ""), "2");
	cr_assert_str_eq(hpl_manifest_setting(&p.manifests[0], "b", ""), "text");
	cr_assert_str_eq(hpl_manifest_setting(&own, "console", ""), "true");
	cr_assert_eq(hpl_settings_argument(&p, &own, "storage.a=x=y.z", &err), 0);
	cr_assert_str_eq(hpl_manifest_setting(&p.manifests[0], "a", ""), "x=y.z");
	hpl_profile_done(&p);
	hpl_manifest_done(&own);
}

Test(settings, unknown_services_and_forms_are_refused)
{
	static const char *const bad[] = {"storage", "storage.a", "=", ".=", "storage.=x", "nobody.a=1", "a=b.c"};
	struct hpl_manifest own = {0};
	struct hpl_profile p;
	struct hpl_err err = HPL_ERR_NULL;

	load_two(&p);
	cr_assert_eq(hpl_settings_parse(&p, &own, "s", "nobody: {a: 1}\n", 15, &err), -1);
	cr_assert(strstr(err.place, "s:1:1"), "%s", err.place);
	cr_assert_eq(hpl_settings_parse(&p, &own, "s", "storage: {a: [1]}\n", 18, &err), -1);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++)
		cr_assert_eq(hpl_settings_argument(&p, &own, bad[i], &err), -1, "%s", bad[i]);
	hpl_profile_done(&p);
}
