/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <signal.h>
#include <spawn.h>
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

static int spawn_with(struct run *r, int child[PIPES], struct hpl_err *err)
{
	static const char *const plain_env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int rc;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &all);
	posix_spawnattr_setpgroup(&at, 0);
	posix_spawnattr_setflags(&at,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn_file_actions_addchdir_np(&fa, r->p->cwd ? r->p->cwd : "/");
	for (int i = 0; i < PIPES && !rc; i++)
		rc = posix_spawn_file_actions_adddup2(&fa, child[i], i);
	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	if (!rc)
		rc = posix_spawn(&r->pid, r->p->argv[0], &fa, &at, (char *const *)r->p->argv,
			(char *const *)(r->p->envp ? r->p->envp : plain_env));
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	if (rc)
		return HPL_FAIL(err, 0, rc, "cannot run %s", r->p->argv[0]);
	return 0;
}

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
		while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
			;
		return HPL_FAIL(err, 0, ETIMEDOUT, "%s did not end within %d ms", p->argv[0],
			p->timeout_ms);
	}
	*ret_status = status;
	return 0;
}
