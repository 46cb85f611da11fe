/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"

static char *at(const struct rig *r, const char *name)
{
	char *path = hpl_path_join(r->dir, name);

	cr_assert_not_null(path);
	return path;
}

static void copy(const struct rig *r, const char *from, const char *name)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	_cleanup_free_ char *to = at(r, name);
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_read(&b, from, 64 << 20, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_file_write(to, b.data, b.len, 0755, &err), 0, "%s", err.text);
}

static void put(const struct rig *r, const char *name, const char *text)
{
	_cleanup_free_ char *path = at(r, name);
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_write(path, text, strlen(text), 0644, &err), 0, "%s", err.text);
}

void rig_new(struct rig *r)
{
	*r = (struct rig){.uid = 60001};
	strcpy(r->dir, "/tmp/hpld-test-XXXXXX");
	cr_assert_not_null(mkdtemp(r->dir));
	chmod(r->dir, 0755);
	for (const char *const *d = (const char *const[]){"manifests", "libexec", NULL}; *d; d++) {
		_cleanup_free_ char *path = at(r, *d);

		cr_assert_eq(mkdir(path, 0755), 0);
	}
	copy(r, HPL_TEST_LAUNCHER, "libexec/hpl-launch");
	copy(r, HPL_TEST_SERVICE, "libexec/test-service");
	snprintf(r->console, sizeof(r->console), "%s/console", r->dir);
	snprintf(r->log_socket, sizeof(r->log_socket), "%s/log", r->dir);
	put(r, "console", "");
}

void rig_add(struct rig *r, const char *name, const char *mode, const char *lifetime,
	const char *more, const char *sandbox)
{
	char text[2048], file[128];

	snprintf(text, sizeof(text),
		"name: %s\nprogram: test-service\ntags: [tag-%s]\nlifetime: %s\n%s"
		"publish: [logging.ready, catch.success%s]\nsettings: {mode: %s}\n"
		"sandbox:\n  uid: %d\n%s",
		name, name, lifetime, more, !strcmp(name, "catch") ? ", system.shutdown" : "", mode, r->uid++,
		sandbox);
	snprintf(file, sizeof(file), "manifests/%s.yaml", name);
	put(r, file, text);
	snprintf(r->services + strlen(r->services), sizeof(r->services) - strlen(r->services), "%s%s",
		r->services[0] ? ", " : "", name);
}

void rig_start(struct rig *r)
{
	_cleanup_free_ char *profile = at(r, "profile.yaml"), *manifests = at(r, "manifests"),
			    *libexec = at(r, "libexec"), *run = at(r, "run"), *journal = at(r, "journal");
	char text[2048];

	snprintf(text, sizeof(text), "profile: test\nservices: [%s]\n%s", r->services, r->extra);
	put(r, "profile.yaml", text);
	r->pid = fork();
	cr_assert_geq(r->pid, 0);
	if (r->pid == 0) {
		execl(HPL_TEST_HPLD, "hpld", "--profile", profile, "--manifests", manifests, "--libexec",
			libexec, "--run", run, "--settings", "/nonexistent", "--journal", journal,
			"--console", r->console, "--log-socket", r->log_socket, NULL);
		_exit(127);
	}
}

static int find(struct rig *r, const char *file, const char *a, const char *b, char *ret)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	_cleanup_free_ char *path = at(r, file);
	int count = 0;
	char *save = NULL;

	if (hpl_file_read(&text, path, 64 << 20, NULL) < 0 || !text.data)
		return 0;
	for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (!strstr(l, a) || !strstr(l, b))
			continue;
		if (!count++ && ret)
			snprintf(ret, 4096, "%s", l);
	}
	return count;
}

int rig_count(struct rig *r, const char *file, const char *a, const char *b)
{
	return find(r, file, a, b, NULL);
}

static void show(struct rig *r)
{
	for (const char *const *f = (const char *const[]){"journal", "console", NULL}; *f; f++) {
		_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
		_cleanup_free_ char *path = at(r, *f);

		hpl_file_read(&text, path, 64 << 20, NULL);
		fprintf(stderr, "---- %s\n%.20000s\n", *f, text.data ? text.data : "");
	}
}

void rig_expect(struct rig *r, const char *file, const char *a, const char *b, char *ret)
{
	uint64_t end = hpl_mono_us() + RIG_DEADLINE_MS * 1000ULL;

	while (!find(r, file, a, b, ret)) {
		if (hpl_mono_us() > end || kill(r->pid, 0) < 0) {
			show(r);
			cr_assert_fail("no line of the %s has '%s' and '%s'", file, a, b);
		}
		poll(NULL, 0, 5);
	}
}

int rig_wait(struct rig *r)
{
	uint64_t end = hpl_mono_us() + RIG_DEADLINE_MS * 1000ULL;
	int status;

	while (waitpid(r->pid, &status, WNOHANG) == 0) {
		if (hpl_mono_us() > end) {
			show(r);
			cr_assert_fail("hpld did not end");
		}
		poll(NULL, 0, 5);
	}
	r->pid = 0;
	cr_assert(WIFEXITED(status), "hpld was ended by a signal: %d", status);
	return WEXITSTATUS(status);
}

int rig_end(struct rig *r)
{
	kill(r->pid, SIGTERM);
	return rig_wait(r);
}

pid_t rig_service_pid(struct rig *r, const char *program)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (d && !found && (e = readdir(d))) {
		char path[300], stat[512], comm[64];
		int parent;
		pid_t pid = atoi(e->d_name);
		_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		if (pid <= 0 || hpl_file_read(&b, path, sizeof(stat), NULL) < 0 || !b.data)
			continue;
		if (sscanf(b.data, "%*d (%63[^)]) %*c %d", comm, &parent) == 2 && parent == r->pid &&
			!strcmp(comm, program))
			found = pid;
	}
	closedir(d);
	return found;
}

void rig_free(struct rig *r)
{
	const char *argv[] = {"/bin/rm", "-rf", "--", r->dir, NULL};
	int status;

	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, &status, 0);
	}
	hpl_proc_run(&(struct hpl_proc){.argv = argv, .timeout_ms = 10000}, &status, NULL);
}
