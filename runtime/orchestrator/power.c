/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the machine ends, and what of the outside asks for it: the power button as an input device,
 * ctrl-alt-del as SIGINT. Also the kernel's own log, which only process 1 forwards.
 */
#include "runtime/orchestrator/power.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/input.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/orchestrator/hpld.h"

enum {
	INPUTS_MAX = 16,
	TERM_MS = 2000,          /* what is still there after the services: containers' leftovers */
	KILL_MS = 1000,
	UMOUNT_ROUNDS = 8,       /* mounts on mounts; more layers than a container has */
	LOOK_AGAIN_MS = 3000,    /* input devices that appear after us */
	MOUNTINFO_BYTES = 1 << 20,
};

static uv_poll_t inputs[INPUTS_MAX];
static int input_fds[INPUTS_MAX];
static uv_timer_t look_again;

/* ---- the power button */

static void on_input(uv_poll_t *poll, int status, int events)
{
	struct input_event ev;
	struct hpld *h = poll->data;

	while (read(input_fds[poll - inputs], &ev, sizeof(ev)) == (ssize_t)sizeof(ev))
		if (ev.type == EV_KEY && (ev.code == KEY_POWER || ev.code == KEY_POWER2) && ev.value == 1)
			hpld_end(h, false, "the power button was pressed");
}

static bool has_power_key(int fd)
{
	unsigned char keys[KEY_MAX / 8 + 1] = {0};

	return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(keys)), keys) >= 0 &&
		(keys[KEY_POWER / 8] & (1 << (KEY_POWER % 8)));
}

static void open_inputs(struct hpld *h)
{
	for (int i = 0; i < INPUTS_MAX; i++) {
		char path[64];
		int fd;

		if (input_fds[i] > 0)
			continue;
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!has_power_key(fd) || uv_poll_init(h->loop, &inputs[i], fd) < 0) {
			close(fd);
			continue;
		}
		input_fds[i] = fd;
		inputs[i].data = h;
		uv_poll_start(&inputs[i], UV_READABLE, on_input);
	}
}

static void on_look_again(uv_timer_t *timer)
{
	open_inputs(timer->data);
}

/* ---- the kernel's log */

/* "6,123,45678,-;text\n KEY=value\n": priority, then text to the first line end */
static void forward_kernel(struct hpld *h, char *record, ssize_t n)
{
	char safe[HPL_LOG_LINE + 1];
	unsigned int pri = 6;
	char *text;
	size_t len;

	record[n] = '\0';
	sscanf(record, "%u", &pri);
	text = strchr(record, ';');
	if (!text)
		return;
	text++;
	len = hpl_escape_line(safe, sizeof(safe), text, strcspn(text, "\n"));
	/* facility 0 is the kernel's own; others are what programs wrote into it */
	if (pri >> 3 == 0)
		hpl_sink_add(&h->sink, 0, (enum hpl_severity)(pri & 7), hpl_wall_us(), "kernel", 0, safe, len);
}

static void on_kmsg(uv_poll_t *poll, int status, int events)
{
	struct hpld *h = poll->data;
	char record[8192];

	for (int i = 0; i < 64; i++) {
		ssize_t n = read(h->kmsg_fd, record, sizeof(record) - 1);

		if (n < 0 && (errno == EPIPE || errno == EINTR)) /* EPIPE: older ones were overwritten */
			continue;
		if (n <= 0)
			return;
		forward_kernel(h, record, n);
	}
}

void hpld_pid1_watch(struct hpld *h)
{
	open_inputs(h);
	uv_timer_init(h->loop, &look_again);
	look_again.data = h;
	uv_timer_start(&look_again, on_look_again, LOOK_AGAIN_MS, 0);
	h->kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (h->kmsg_fd < 0 || uv_poll_init(h->loop, &h->kmsg_poll, h->kmsg_fd) < 0)
		return;
	h->kmsg_poll.data = h;
	uv_poll_start(&h->kmsg_poll, UV_READABLE, on_kmsg);
}

/* ---- the end */

/* Waits until no child is left, at most so long. */
static void reap_for(int ms)
{
	const struct timespec turn = {0, 10 * 1000000L};
	uint64_t end = hpl_mono_us() + (uint64_t)ms * 1000;

	while (hpl_mono_us() < end) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return;
		if (pid == 0)
			nanosleep(&turn, NULL);
	}
}

/* Mount points of mountinfo, last mounted first. Paths there escape blanks as \040. */
static void unescape(char *path)
{
	char *to = path;

	for (char *s = path; *s; to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*to = *s++;
		}
	}
	*to = '\0';
}

static bool is_ours_to_keep(const char *path)
{
	return hpl_streq(path, "/") || !strncmp(path, "/proc", 5) || !strncmp(path, "/sys", 4) ||
		hpl_streq(path, "/dev");
}

/* One pass over all mounts, newest first. Returns how many went. */
static int unmount_pass(int flags)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	char *lines[1024];
	size_t count = 0;
	int gone = 0;
	char *save = NULL;

	if (hpl_file_read(&text, "/proc/self/mountinfo", MOUNTINFO_BYTES, NULL) < 0 || !text.data)
		return 0;
	for (char *l = strtok_r(text.data, "\n", &save); l && count < 1024; l = strtok_r(NULL, "\n", &save))
		lines[count++] = l;
	while (count--) {
		char path[4096];

		if (sscanf(lines[count], "%*s %*s %*s %*s %4095s", path) != 1)
			continue;
		unescape(path);
		if (!is_ours_to_keep(path) && umount2(path, flags | UMOUNT_NOFOLLOW) == 0)
			gone++;
	}
	return gone;
}

/* LUKS mappings of data volumes; the root's is in use and stays. */
static void remove_mappings(void)
{
	_cleanup_close_ int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	struct dm_ioctl dm = {.version = {4, 0, 0}, .data_size = sizeof(dm), .data_start = sizeof(dm)};

	if (fd >= 0)
		ioctl(fd, DM_REMOVE_ALL, &dm);
}

void hpl_power_clean_up(void)
{
	kill(-1, SIGTERM);
	reap_for(TERM_MS);
	kill(-1, SIGKILL);
	reap_for(KILL_MS);
	sync();
	for (int i = 0; i < UMOUNT_ROUNDS && unmount_pass(0); i++)
		;
	unmount_pass(MNT_DETACH);
	remove_mappings();
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	sync();
}

void hpld_pid1_power_off(struct hpld *h)
{
	hpl_console_drain(&h->console, 500);
	hpl_power_clean_up();
	reboot(RB_POWER_OFF);
	/* no power to switch off: halt, and never return from process 1 */
	reboot(RB_HALT_SYSTEM);
	for (;;)
		pause();
}
