/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/base/clock.h"

enum { IN, OUT, ERR, PIPES };

struct run {
	const struct hpl_proc *p;
	pid_t pid;
	int fd[PIPES]; /* our ends */
	size_t written;
};

static void close_pair(int pair[2])
{
	hpl_closep(&pair[0]);
	hpl_closep(&pair[1]);
}

/* ---- the child, until it is the program ---- */

enum { REPORT = 3, NOT_RUN = 127, KILLED_US = 10000000 };

/* Signals are blocked: no handler of the parent's runs here. Only calls that are safe after the fork of a
 * process with threads. *report is where an error is told. Returns only then, with errno. */
static void become(const struct hpl_proc *p, const int child[PIPES], int *report, pid_t parent)
{
	static const char *const plain_env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", NULL};
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* Comes when the thread that forked ends, and that one waits in hpl_proc_run(). If the parent ended
	 * before this call it never comes. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return;
	if (getppid() != parent)
		_exit(NOT_RUN);
	if (setpgid(0, 0) < 0 || chdir(p->cwd ? p->cwd : "/") < 0)
		return;
	for (int i = 0; i < PIPES; i++)
		if (dup2(child[i], i) < 0)
			return;
	if (*report != REPORT && dup3(*report, REPORT, O_CLOEXEC) < 0)
		return;
	*report = REPORT;
	closefrom(REPORT + 1);
	for (int s = 1; s < _NSIG; s++)
		(void)sigaction(s, &usual, NULL); /* refused for SIGKILL, SIGSTOP and libc's own */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(p->argv[0], (char *const *)p->argv, (char *const *)(p->envp ? p->envp : plain_env));
}

/* 0: the child is the program; else errno of what it could not do, and there is no child. */
static int await_program(pid_t pid, int report)
{
	int rc = 0;
	ssize_t n;

	do
		n = read(report, &rc, sizeof(rc));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(rc))
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

static int spawn_with(struct run *r, const int child[PIPES], struct hpl_err *err)
{
	pid_t parent = getpid();
	sigset_t all, old;
	int report[2], rc;

	if (pipe2(report, O_CLOEXEC) < 0)
		return HPL_FAIL(err, 0, errno, "cannot make pipes");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r->pid = fork();
	if (r->pid == 0) {
		become(r->p, child, &report[1], parent);
		rc = errno;
		(void)!write(report[1], &rc, sizeof(rc));
		_exit(NOT_RUN);
	}
	rc = r->pid < 0 ? errno : 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	hpl_closep(&report[1]);
	if (!rc)
		rc = await_program(r->pid, report[0]);
	hpl_closep(&report[0]);
	if (rc)
		return HPL_FAIL(err, 0, rc, "cannot run %s", r->p->argv[0]);
	return 0;
}

/* ---- the parent ---- */

static int start(struct run *r, struct hpl_err *err)
{
	int pair[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, child[PIPES], rc;

	/* our ends are at 3 or above: 0, 1, 2 are open in every process of ours */
	for (int i = 0; i < PIPES; i++) {
		if (i == IN && !r->p->input)
			pair[IN][0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		else if (i == ERR && !r->p->errout)
			continue;
		else if (pipe2(pair[i], O_CLOEXEC) < 0)
			pair[i][0] = -1;
		if (pair[i][0] < 0) {
			rc = errno;
			for (int k = 0; k < PIPES; k++)
				close_pair(pair[k]);
			return HPL_FAIL(err, 0, rc, "cannot make pipes");
		}
	}
	child[IN] = pair[IN][0];
	child[OUT] = pair[OUT][1];
	child[ERR] = r->p->errout ? pair[ERR][1] : pair[OUT][1];
	rc = spawn_with(r, child, err);
	hpl_closep(&pair[IN][0]);
	hpl_closep(&pair[OUT][1]);
	hpl_closep(&pair[ERR][1]);
	if (rc < 0) {
		for (int k = 0; k < PIPES; k++)
			close_pair(pair[k]);
		return -1;
	}
	r->fd[IN] = pair[IN][1];
	r->fd[OUT] = pair[OUT][0];
	r->fd[ERR] = pair[ERR][0];
	for (int i = 0; i < PIPES; i++)
		if (r->fd[i] >= 0)
			fcntl(r->fd[i], F_SETFL, O_NONBLOCK);
	return 0;
}

/* Takes what is there; closes the descriptor at its end. */
static void take_output(struct run *r, int which)
{
	struct hpl_buf *to = which == OUT ? r->p->out : r->p->errout;
	size_t limit = r->p->out_limit ? r->p->out_limit : 1 << 20;
	char chunk[8192];
	ssize_t n = read(r->fd[which], chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		hpl_closep(&r->fd[which]);
	else if (to && to->len < limit)
		hpl_buf_add(to, chunk, (size_t)n < limit - to->len ? (size_t)n : limit - to->len);
	explicit_bzero(chunk, sizeof(chunk));
}

static void give_input(struct run *r)
{
	ssize_t n = write(r->fd[IN], (const char *)r->p->input + r->written,
		r->p->input_len - r->written);

	if (n > 0)
		r->written += (size_t)n;
	if ((n < 0 && errno != EINTR && errno != EAGAIN) || r->written == r->p->input_len)
		hpl_closep(&r->fd[IN]);
}

/* Moves bytes until the child has closed its outputs. 1: deadline. */
static int pump(struct run *r, uint64_t end_us)
{
	while (r->fd[OUT] >= 0 || r->fd[ERR] >= 0 || r->fd[IN] >= 0) {
		struct pollfd pf[PIPES] = {{r->fd[IN], POLLOUT, 0}, {r->fd[OUT], POLLIN, 0},
			{r->fd[ERR], POLLIN, 0}};
		uint64_t now = hpl_mono_us();

		if (now >= end_us)
			return 1;
		if (poll(pf, PIPES, (int)((end_us - now) / 1000) + 1) < 0 && errno != EINTR)
			return 1;
		if (pf[IN].revents)
			give_input(r);
		if (pf[OUT].revents)
			take_output(r, OUT);
		if (pf[ERR].revents)
			take_output(r, ERR);
	}
	return 0;
}

/* Waits for the end itself: a program may close its outputs and go on. 1: deadline. */
static int wait_until(struct run *r, uint64_t end_us, int *ret_status)
{
	for (;;) {
		int status;
		pid_t got = waitpid(r->pid, &status, WNOHANG);
		const struct timespec nap = {0, 2000000};

		if (got == r->pid) {
			*ret_status = WIFEXITED(status) ? WEXITSTATUS(status)
							: 128 + WTERMSIG(status);
			return 0;
		}
		if (got < 0 && errno != EINTR)
			return 1;
		if (hpl_mono_us() >= end_us)
			return 1;
		nanosleep(&nap, NULL);
	}
}

int hpl_proc_run(const struct hpl_proc *p, int *ret_status, struct hpl_err *err)
{
	struct run r = {.p = p, .pid = -1, .fd = {-1, -1, -1}};
	uint64_t end_us = hpl_mono_us() + (uint64_t)p->timeout_ms * 1000;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	int late, status = 0;

	if (start(&r, err) < 0)
		return -1;
	sigaction(SIGPIPE, &ignore, &old);
	late = pump(&r, end_us) || wait_until(&r, end_us, &status);
	sigaction(SIGPIPE, &old, NULL);
	for (int i = 0; i < PIPES; i++)
		hpl_closep(&r.fd[i]);
	if (late) {
		kill(-r.pid, SIGKILL);
		/* one that waits for a disk does not even die before that answers */
		late = wait_until(&r, hpl_mono_us() + KILLED_US, &status);
		return HPL_FAIL(err, 0, ETIMEDOUT, "%s did not end within %d ms%s", p->argv[0],
			p->timeout_ms, late ? ", and could not be killed" : "");
	}
	*ret_status = status;
	return 0;
}
