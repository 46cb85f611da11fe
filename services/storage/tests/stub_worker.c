/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker without device-mapper, for the tests of the service. What it does is the first word of its
 * volume's name; what it has done is told in the file "log" in its root, one line a step.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/frame.h"

static const Hpl__WorkerJob *job;

static int does(const char *what)
{
	size_t len = strlen(what);

	return strncmp(job->name, what, len) == 0 && job->name[len] == '-';
}

static void told(const char *what)
{
	char path[256], line[256];
	int fd, len;

	snprintf(path, sizeof path, "%s/log", job->root);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	len = snprintf(line, sizeof line, "%s %s %d\n", what, job->name, (int)getpid());
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		_exit(70);
	close(fd);
}

/* Until `count` workers have told `what`; gives up after 20 s. */
static void await(const char *what, int count)
{
	char path[256];

	snprintf(path, sizeof path, "%s/log", job->root);
	for (int turn = 0; turn < 2000; turn++) {
		_cleanup_buf_ struct hpl_buf log = HPL_BUF_NULL;
		int seen = 0;

		if (hpl_file_read(&log, path, 1 << 16, NULL) == 0 && log.data)
			for (char *p = log.data; (p = strstr(p, what)); p++)
				seen += (p == log.data || p[-1] == '\n') && p[strlen(what)] == ' ';
		if (seen >= count)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	told("missed");
	_exit(71);
}

static Hpl__WorkerCommand *command(void)
{
	struct hpl_secret frame = HPL_SECRET_NULL;
	Hpl__WorkerCommand *c;

	if (hpl_frame_read(&frame, 0, NULL)) {
		told("stopped");
		_exit(1);
	}
	c = hpl__worker_command__unpack(NULL, frame.len, frame.data);
	if (!c)
		_exit(72);
	return c; /* for the whole life of the process */
}

static void say(Hpl__WorkerAnswer *a)
{
	if (hpl_frame_write(1, &a->base, NULL) < 0)
		_exit(73);
}

static char *mapping_name(void)
{
	static char name[64];

	snprintf(name, sizeof name, "luks-%s", does("copy") ? "copy" : job->name);
	return name;
}

static void say_mapping(void)
{
	Hpl__WorkerAnswer a = HPL__WORKER_ANSWER__INIT;

	a.what_case = HPL__WORKER_ANSWER__WHAT_MAPPING;
	a.mapping = does("path") ? (char *)"../etc" : mapping_name();
	say(&a);
}

static void say_opened(void)
{
	Hpl__WorkerAnswer a = HPL__WORKER_ANSWER__INIT;

	a.what_case = HPL__WORKER_ANSWER__WHAT_OPENED;
	a.opened = 1;
	told("opened"); /* before: who waits for it has nothing to do with storage */
	say(&a);
}

static void say_mounted(void)
{
	Hpl__WorkerAnswer a = HPL__WORKER_ANSWER__INIT;
	Hpl__WorkerMounted m = HPL__WORKER_MOUNTED__INIT;

	m.device = job->disk->path;
	m.mapping = does("other") ? (char *)"luks-x" : mapping_name();
	m.found_fs = job->filesystem;
	m.uuid = job->disk->serial;
	m.cipher = (char *)"aes-xts-plain64";
	m.key_bits = 512;
	m.sector_size = 4096;
	m.key_slots = 1;
	m.data_offset = 16 << 20;
	m.created = 1;
	a.what_case = HPL__WORKER_ANSWER__WHAT_MOUNTED;
	a.mounted = &m;
	say(&a);
}

static void say_failed(void)
{
	Hpl__WorkerAnswer a = HPL__WORKER_ANSWER__INIT;
	Hpl__WorkerFailure f = HPL__WORKER_FAILURE__INIT;

	f.msg = HPL_MSG_LUKS_LUKS_OPEN_FAILED;
	f.text = (char *)"the stub fails";
	f.place = (char *)"at this place";
	f.cure = (char *)"do not use a stub";
	a.what_case = HPL__WORKER_ANSWER__WHAT_FAILED;
	a.failed = &f;
	say(&a);
	_exit(1);
}

static void is_secret(const ProtobufCBinaryData *b, const char *text)
{
	if (b->len != strlen(text) || memcmp(b->data, text, b->len) != 0)
		_exit(74);
}

/* Are the passphrases here by the pipe, in their order, and by nothing that others can read? */
static void check_secret(void)
{
	static const char *const places[] = {"/proc/self/cmdline", "/proc/self/environ"};

	is_secret(&job->passphrase, "very-secret-text");
	if (job->n_previous != 3)
		_exit(74);
	is_secret(&job->previous[0], "very-secret-1");
	is_secret(&job->previous[1], "very-secret-2");
	is_secret(&job->previous[2], "very-secret-3");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(places); i++) {
		_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

		if (hpl_file_read(&b, places[i], 1 << 16, NULL) < 0 ||
			memmem(b.data, b.len, "very-secret", 11))
			_exit(75);
	}
	told("secret");
}

/* As mkfs is run: a program that would go on for long. */
static void run_program(void)
{
	static const char script[] = "echo \"program $1 $$\" >> \"$2/log\"; exec sleep 60";
	const char *argv[] = {"/bin/sh", "-c", script, "sh", job->name, job->root, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 120000};
	int status = -1;

	(void)hpl_proc_run(&p, &status, NULL);
	told("outlived");
}

static void go_wrong(void)
{
	static const char longer[] = "\xff\xff\xff\xff", junk[] = "\0\0\0\4\xff\xff\xff\xff";

	if (does("silent"))
		_exit(3);
	if (does("long") && write(1, longer, 4) == 4)
		for (;;)
			pause();
	if (does("junk") && write(1, junk, 8) == 8)
		for (;;)
			pause();
	if (does("early"))
		say_mounted();
	if (does("mute")) {
		close(1);
		for (;;)
			pause();
	}
}

static void tell_keyfile(void)
{
	char path[256];

	snprintf(path, sizeof path, "%s/keyfile-%s", job->root, job->name);
	if (hpl_file_write(path, job->keyfile.data, job->keyfile.len, 0600, NULL) < 0)
		_exit(76);
}

static void tell_memory(void)
{
	char path[256], text[16];
	int len = snprintf(text, sizeof text, "%u", job->memory_kb);

	snprintf(path, sizeof path, "%s/memory-%s", job->root, job->name);
	if (hpl_file_write(path, text, (size_t)len, 0600, NULL) < 0)
		_exit(77);
}

int main(void)
{
	job = command()->job;
	told("start");
	tell_memory();
	tell_keyfile();
	check_secret();
	go_wrong();
	if (does("meet2"))
		await("start", 2);
	if (does("meet4"))
		await("start", 4);
	if (does("late"))
		await("opened", 3);
	if (does("fails")) {
		await("opened", 1);
		say_failed();
	}
	if (does("slow"))
		await("go", 1); /* of the test */
	if (does("breaks")) {
		await("program", 1);
		say_failed();
	}
	say_mapping();
	(void)command();
	if (does("makes"))
		run_program();
	if (does("dies"))
		raise(SIGKILL);
	say_opened();
	if (does("hangs"))
		for (;;)
			pause();
	(void)command();
	told("mount");
	told("end");
	say_mounted();
	_exit(0); /* the commands are not freed */
}
