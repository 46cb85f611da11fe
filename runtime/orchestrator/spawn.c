/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a process. posix_spawn (vfork inside) of the static launcher costs 0.1 ms of the loop;
 * everything expensive (mounts, identity, exec of a dynamic program) happens in the child, so
 * that all services are set up side by side.
 */
#include "runtime/orchestrator/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>

#include "runtime/launcher/sandbox.h"

enum {
	OWN_THREADS = 16,        /* ZeroMQ has 2, libuv's pool 4; a service's nproc comes on top */
	PIPE_BYTES = 1 << 20,    /* largest pipe that is granted without asking */
};

/* The bus socket is open to one group: a service's user is not the owner of the directory. */
static void add_groups(struct hpl_sandbox *s, const struct hpl_manifest *m)
{
	for (uint32_t i = 0; i < m->group_count; i++)
		s->groups[i] = m->groups[i];
	s->groups[m->group_count] = HPL_BUS_GID;
	s->group_count = m->group_count + 1;
}

static int add_paths(struct hpl_sandbox *s, enum hpl_sandbox_path_kind kind,
	const struct hpl_names *names, struct hpl_err *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (hpl_sandbox_add_path(s, kind, names->items[i], err) < 0)
			return -1;
	return 0;
}

/* Compiling takes longer than a start, and most services name the same groups. */
static int filter_of(struct hpld *h, hpl_filter_groups groups, struct hpl_sandbox *s,
	struct hpl_err *err)
{
	struct hpl_filter_cache *c = h->filters;

	while (c < h->filters + h->filter_count && c->groups != groups)
		c++;
	if (c == h->filters + h->filter_count) {
		if (hpl_filter_compile(&c->program, groups, err) < 0)
			return -1;
		c->groups = groups;
		h->filter_count++;
	}
	s->filter = malloc(c->program.len);
	if (!s->filter)
		return HPL_OOM(err);
	memcpy(s->filter, c->program.data, c->program.len);
	s->filter_size = c->program.len;
	return 0;
}

int hpl_sandbox_of_manifest(struct hpl_sandbox *ret, struct hpld *h,
	const struct hpl_manifest *m, struct hpl_err *err)
{
	struct hpl_sandbox s = {.uid = m->uid, .gid = m->uid, .capabilities = m->capabilities,
		.nofile = m->nofile, .nproc = m->nproc + OWN_THREADS,
		.memlock_bytes = (uint64_t)m->memlock_kb << 10};
	int rc = 0;

	s.flags = (h->root ? HPL_SANDBOX_PRIVILEGED : 0) | (m->own_mounts ? HPL_SANDBOX_OWN_MOUNTS : 0) |
		(m->network ? HPL_SANDBOX_NETWORK : 0) |
		(m->new_privileges ? HPL_SANDBOX_NEW_PRIVILEGES : 0);
	s.name = strdup(m->program);
	s.program = hpl_path_join(h->opt.libexec, m->program);
	s.root = strdup(h->root_dir);
	s.bus = strdup(h->bus_dir);
	if (!s.name || !s.program || !s.root || !s.bus)
		rc = HPL_OOM(err);
	add_groups(&s, m);
	if (!rc)
		rc = add_paths(&s, HPL_PATH_READ, &m->read, err);
	if (!rc)
		rc = add_paths(&s, HPL_PATH_DEVICE, &m->devices, err);
	if (!rc)
		rc = add_paths(&s, HPL_PATH_WRITE, &m->write, err);
	if (!rc)
		rc = filter_of(h, m->syscalls, &s, err);
	if (rc < 0) {
		hpl_sandbox_done(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

int hpl_unit_prepare(struct hpl_unit *u, struct hpl_err *err)
{
	struct hpl_sandbox s = HPL_SANDBOX_NULL;
	_cleanup_buf_ struct hpl_buf packed = HPL_BUF_NULL;
	_cleanup_close_ int fd = -1;
	int rc;

	if (hpl_sandbox_of_manifest(&s, u->h, u->m, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, "%s", u->m->name);
	rc = hpl_sandbox_pack(&packed, &s, err);
	hpl_sandbox_done(&s);
	if (rc < 0)
		return -1;
	fd = memfd_create(u->m->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot make a memory file");
	if (hpl_write_all(fd, packed.data, packed.len, err) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot seal the sandbox");
	u->spec_fd = hpl_take_fd(&fd);
	u->cgroup_fd = u->h->root ? hpld_cgroup_make(u->m) : -1;
	return 0;
}

/* A pipe that holds the packed bootstrap: read once, then it is nowhere any more. */
static int bootstrap_pipe(int *ret_fd, const Hpl__Bootstrap *boot, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	size_t len = hpl__bootstrap__get_packed_size(boot);
	_cleanup_close_ int in = -1, out = -1;
	uint8_t *packed = malloc(len ? len : 1);
	int fds[2], rc = 0;

	if (!packed)
		return HPL_OOM(err);
	hpl__bootstrap__pack(boot, packed);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		rc = HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot make a pipe");
	} else {
		out = fds[0];
		in = fds[1];
		/* it must hold everything, because nobody reads yet */
		if (len > 65536 && (len > PIPE_BYTES || fcntl(in, F_SETPIPE_SZ, PIPE_BYTES) < 0))
			rc = HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, E2BIG, "too many settings");
		else
			rc = hpl_write_all(in, packed, len, err);
	}
	hpl_wipe(packed, len);
	free(packed);
	if (!rc)
		*ret_fd = hpl_take_fd(&out);
	return rc;
}

/* Adds settings, tags and names to the bootstrap for the time of packing; they are borrowed. */
static int pack_bootstrap(int *ret_fd, const Hpl__Bootstrap *keys, const struct hpl_unit *u,
	struct hpl_err *err)
{
	const struct hpl_manifest *m = u->m;
	Hpl__Bootstrap boot = *keys;
	Hpl__Setting settings[HPL_SETTINGS_MAX], *list[HPL_SETTINGS_MAX];

	for (size_t i = 0; i < m->setting_count; i++) {
		settings[i] = (Hpl__Setting)HPL__SETTING__INIT;
		settings[i].name = m->settings[i].name;
		settings[i].value = m->settings[i].value;
		list[i] = &settings[i];
	}
	boot.n_settings = m->setting_count;
	boot.settings = list;
	boot.n_tags = m->tags.count;
	boot.tags = m->tags.items;
	boot.n_services = u->h->profile.services.count;
	boot.services = u->h->profile.services.items;
	return bootstrap_pipe(ret_fd, &boot, err);
}

struct ends {
	int bootstrap, log_write, status_write;
};

static int run_launcher(struct hpl_unit *u, const struct ends *e, pid_t *ret, struct hpl_err *err)
{
	struct hpld *h = u->h;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	_cleanup_free_ char *launcher = hpl_path_join(h->opt.libexec, "hpl-launch");
	char *argv[] = {"hpl-launch", NULL}, *envp[] = {NULL};
	sigset_t none, ignored;
	int rc;

	if (!launcher)
		return HPL_OOM(err);
	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE); /* handlers end with exec by themselves */
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	/* all of hpld's own descriptors are above these (main.c) and close on exec */
	posix_spawn_file_actions_adddup2(&actions, h->null_fd, 0);
	posix_spawn_file_actions_adddup2(&actions, e->log_write, 1);
	posix_spawn_file_actions_adddup2(&actions, e->log_write, 2);
	posix_spawn_file_actions_adddup2(&actions, e->bootstrap, HPL_LAUNCH_BOOTSTRAP);
	posix_spawn_file_actions_adddup2(&actions, u->spec_fd, HPL_LAUNCH_SPEC);
	posix_spawn_file_actions_adddup2(&actions, e->status_write, HPL_LAUNCH_STATUS);
	if (!u->m->network && h->netns_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, h->netns_fd, HPL_LAUNCH_NETNS);
	if (u->cgroup_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, u->cgroup_fd, HPL_LAUNCH_CGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &ignored);
	posix_spawnattr_setflags(&attr,
		POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(ret, launcher, &actions, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (rc)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, rc, "cannot execute %s", launcher);
	return 0;
}

static int admit(struct hpl_unit *u, Hpl__Bootstrap *boot, struct hpl_err *err)
{
	static const char *const none[] = {NULL};
	struct hpl_peer_policy policy = {
		.name = u->m->name,
		.publish = u->m->publish.count ? (const char *const *)u->m->publish.items : none,
		.receive = u->m->receive.count ? (const char *const *)u->m->receive.items : none,
	};

	return hpl_broker_admit(u->h->broker, &policy, boot, &u->peer, err);
}

static int make_pipes(int log[2], int status[2], struct hpl_err *err)
{
	if (pipe2(log, O_CLOEXEC) < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot make a pipe");
	if (pipe2(status, O_CLOEXEC) < 0) {
		HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot make a pipe");
		close(log[0]);
		close(log[1]);
		return -1;
	}
	/* our ends only: a service's writes block when we are behind, they are not lost */
	fcntl(log[0], F_SETFL, O_NONBLOCK);
	fcntl(status[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int hpl_unit_spawn(struct hpl_unit *u, struct hpl_err *err)
{
	Hpl__Bootstrap boot = HPL__BOOTSTRAP__INIT;
	struct ends ends = {-1, -1, -1};
	int log[2], status[2], rc;
	pid_t pid;

	if (make_pipes(log, status, err) < 0)
		return -1;
	ends.log_write = log[1];
	ends.status_write = status[1];
	rc = admit(u, &boot, err);
	if (!rc) {
		rc = pack_bootstrap(&ends.bootstrap, &boot, u, err);
		hpl_bootstrap_done(&boot);
	}
	if (!rc)
		rc = run_launcher(u, &ends, &pid, err);
	close(log[1]);
	close(status[1]);
	if (ends.bootstrap >= 0)
		close(ends.bootstrap);
	if (rc < 0) {
		close(log[0]);
		close(status[0]);
		if (u->peer)
			hpl_broker_revoke(u->h->broker, u->peer);
		u->peer = 0;
		return -1;
	}
	u->pid = pid;
	u->log_fd = log[0];
	u->status_fd = status[0];
	return 0;
}

/*
 * One empty network namespace for all services without network. Twelve of their own take 6 to
 * 21 ms on two cores, joining one takes 3 to 6 (both with the forks), and each end of one costs an
 * RCU grace period. What a shared one could carry between two services is an abstract socket, and
 * without the group net a service may not bind one.
 */
int hpld_make_empty_network(struct hpld *h, struct hpl_err *err)
{
	_cleanup_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot open /proc/self/ns/net");
	if (unshare(CLONE_NEWNET) < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot make an empty network");
	h->netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (h->netns_fd < 0 || setns(own, CLONE_NEWNET) < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, errno, "cannot return to the network");
	return 0;
}
