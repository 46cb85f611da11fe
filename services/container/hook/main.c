/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl-pod-hook: a precreate hook of podman (standard input: OCI configuration; standard output:
 * the same, unchanged).
 *
 * Debian's podman 4.3.1 with the cgroupfs manager loads a device filter that denies everything
 * into the cgroup of each pod. Filters add up down the tree, so no container of a pod could even
 * make /dev/null. This detaches the filter of the pod's cgroup; each container keeps its own.
 * A failure fails the container: it would not start anyway, and this way says why.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/syslog.h"
#include "services/container/hook/cgroup_path.h"

enum { PROGRAMS_MAX = 64, CONFIG_LIMIT = 16 << 20 };

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int detach(int cgroup, uint32_t id, struct hpl_err *err)
{
	union bpf_attr get = {.prog_id = id}, off = {0};
	_cleanup_close_ int program = bpf(BPF_PROG_GET_FD_BY_ID, &get);

	if (program < 0)
		return HPL_FAIL(err, 0, errno, "cannot open device filter %u", id);
	off.target_fd = (uint32_t)cgroup;
	off.attach_bpf_fd = (uint32_t)program;
	off.attach_type = BPF_CGROUP_DEVICE;
	if (bpf(BPF_PROG_DETACH, &off) < 0)
		return HPL_FAIL(err, 0, errno, "cannot detach device filter %u", id);
	return 0;
}

static int detach_all(int cgroup, struct hpl_err *err)
{
	uint32_t ids[PROGRAMS_MAX] = {0};
	union bpf_attr query = {0};

	query.query.target_fd = (uint32_t)cgroup;
	query.query.attach_type = BPF_CGROUP_DEVICE;
	query.query.prog_ids = (uint64_t)(uintptr_t)ids;
	query.query.prog_cnt = PROGRAMS_MAX;
	if (bpf(BPF_PROG_QUERY, &query) < 0)
		return HPL_FAIL(err, 0, errno, "cannot list device filters");
	for (uint32_t i = 0; i < query.query.prog_cnt && i < PROGRAMS_MAX; i++)
		if (detach(cgroup, ids[i], err) < 0)
			return -1;
	return 0;
}

static int free_pod(const char *config, size_t len, struct hpl_err *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int root = -1, cgroup = -1;
	int r = hpl_pod_cgroup(&path, config, len, err);

	if (r <= 0)
		return r;
	root = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return HPL_FAIL(err, 0, errno, "/sys/fs/cgroup");
	cgroup = hpl_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0, err);
	return cgroup < 0 ? -1 : detach_all(cgroup, err);
}

/* podman drops what a hook writes to standard error: the cause goes to the log by itself. */
static void log_failure(const char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = HPL_SYSLOG_SOCKET};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_buf_ struct hpl_buf line = HPL_BUF_NULL;

	fprintf(stderr, "hpl-pod-hook: %s\n", text);
	hpl_syslog_format(&line, HPL_FACILITY_DAEMON, HPL_SEV_WARNING, hpl_wall_us(), "hpl-pod-hook",
		getpid(), text, strlen(text));
	if (fd >= 0 && !line.failed)
		(void)sendto(fd, line.data, line.len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}

int main(void)
{
	_cleanup_buf_ struct hpl_buf config = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_file_read_fd(&config, STDIN_FILENO, CONFIG_LIMIT, &err) < 0 ||
		free_pod(config.data ? config.data : "", config.len, &err) < 0 ||
		hpl_write_all(STDOUT_FILENO, config.data, config.len, &err) < 0) {
		log_failure(err.text);
		return 1;
	}
	return 0;
}
