// SPDX-License-Identifier: Apache-2.0
/*
 * /init of the initramfs. PID 1 itself only mounts, loads modules and switches root; the steps run
 * in a child, so that a crash or a hang there is one line on the console and a power-off, not a
 * kernel panic or silence.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"
#include "runtime/base/modules.h"
#include "services/bootloader/bootloader.h"
#include "services/bootloader/console.h"

static int profile_fd = -1; /* the child writes the profile's name here */

static int child(void)
{
	struct hpl_boot b = {.console = STDOUT_FILENO};
	struct hpl_err err = HPL_ERR_NULL;

	hpl_secret_harden_process();
	int r = hpl_boot_run(&b, &err);
	if (r < 0)
		hpl_console_failure(b.console, &err);
	else if (write(profile_fd, b.image.profile, sizeof(b.image.profile)) < 0)
		r = -1;
	hpl_boot_done(&b);
	return r < 0;
}

/* 0: went well. 1: it said why not. -1: it crashed, hung or could not be started. */
static int run_child(struct hpl_err *err)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(child());
	if (pid < 0)
		return HPL_FAIL(err, 0, errno, "cannot start a process");
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int ready = poll(&p, 1, HPL_BOOT_DEADLINE_MS);
	if (ready == 0)
		kill(pid, SIGKILL);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ready == 0)
		return HPL_FAIL(err, 0, 0, "not done after %d s", HPL_BOOT_DEADLINE_MS / 1000);
	if (WIFSIGNALED(status))
		return HPL_FAIL(err, 0, 0, "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status) != 0;
}

static void bad_module(void *ud, const char *name, int sys)
{
	char text[300];

	snprintf(text, sizeof(text), "%s: %s", name, strerror(sys));
	hpl_console_message(STDOUT_FILENO, HPL_MSG_BOOTLOADER_MODULE_IGNORED, text);
}

static int boot(struct hpl_err *err)
{
	char profile[sizeof(((struct hpl_image *)NULL)->profile)] = "";
	uint64_t start = hpl_mono_us();
	int pipe_fd[2];

	if (hpl_system_mounts(err) < 0)
		return -1;
	if (hpl_system_console() < 0)
		return HPL_FAIL(err, 0, errno, "cannot open the console");
	hpl_boot_note("kernel", 0, start);
	if (hpl_modules_load("/modules", bad_module, NULL, err) < 0)
		return -1;
	hpl_boot_note("boot.modules", start, hpl_mono_us());
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return HPL_FAIL(err, 0, errno, "cannot make a pipe");
	profile_fd = pipe_fd[1];
	int r = run_child(err);
	if (r != 0)
		return r;
	if (read(pipe_fd[0], profile, sizeof(profile)) != sizeof(profile))
		return HPL_FAIL(err, 0, 0, "no profile");
	start = hpl_mono_us();
	char *const argv[] = {(char[]){"/usr/libexec/hpl/hpld"}, (char[]){"--profile"}, profile, NULL};
	char *const envp[] = {(char[]){"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		(char[]){"HOME=/root"}, (char[]){"LANG=C.UTF-8"}, NULL};
	hpl_boot_note("boot.switch", start, hpl_mono_us());
	return hpl_system_switch(argv, envp, err);
}

int main(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (getpid() != 1) {
		fputs("hpl-bootloader is /init of an initramfs; it runs as process 1 only\n", stderr);
		return 2;
	}
	if (boot(&err) < 0)
		hpl_console_failure(STDOUT_FILENO, &err);
	hpl_boot_destroy_keys(NULL);
	hpl_system_off();
}
