/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a virtual machine, with real disks and real workers (hpl-storage-volume): several volumes
 * at once. Prints TAP on the console.
 *
 * guest-parallel CASE:
 *   parallel  four blank disks become volumes at once, two of them nested; they open again; a worker is
 *             killed in the middle and in mkfs, and its volume is made by the next
 *   copies    a disk and its copy: one is refused, and neither is changed so that it does not open
 */
#include <dirent.h>
#include <libcryptsetup.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "services/storage/crew.h"
#include "services/storage/luks.h"
#include "services/storage/tests/guest.h"

static struct hpl_secret pass;
static int ended, result;
static struct hpl_err failure;

static struct hpl_volume volume(const char *serial, const char *at)
{
	struct hpl_volume v = {.name = serial, .mount = at, .filesystem = "ext4", .passphrase = &pass,
		.mkfs_dir = "/sbin", .root = "/", .memory_kb = HPL_LUKS_MEMORY_KB};
	struct hpl_disk *d = disk_named(serial);

	if (d)
		v.disk = *d;
	return v;
}

static void on_done(void *ud, int r, struct hpl_err *err)
{
	result = r;
	failure = *err;
	ended = 1;
}

/* The result; with a kill, of the first worker that has a mapping. */
static int run_crew(struct hpl_volume *volumes, size_t count, unsigned parallel, uv_timer_cb on_turn)
{
	struct hpl_volume *list[8];
	struct hpl_crew_plan plan = {.loop = uv_default_loop(), .program = "/bin/hpl-storage-volume",
		.volumes = list, .count = count, .parallel = parallel, .stop_ms = 60000, .done = on_done};
	struct hpl_crew *crew;
	uint64_t since = hpl_mono_us();
	uv_timer_t timer;

	for (size_t i = 0; i < count; i++)
		list[i] = &volumes[i];
	ended = 0;
	uv_timer_init(plan.loop, &timer);
	if (on_turn)
		uv_timer_start(&timer, on_turn, 0, 10);
	if (hpl_crew_start(&crew, &plan, &failure) < 0)
		return -1;
	while (!ended)
		uv_run(plan.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(plan.loop, UV_RUN_DEFAULT); /* the crew's last handles */
	printf("# %zu volumes, %u at once, took %.1f s\n", count, parallel,
		(double)(hpl_mono_us() - since) / 1e6);
	return result;
}

static int mounted_at(const char *at, const char *mapping)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char line[256];

	snprintf(line, sizeof line, "/dev/mapper/%s %s ext4 ", mapping, at);
	return hpl_file_read(&b, "/proc/self/mounts", 1 << 20, NULL) == 0 && strstr(b.data, line);
}

static void check_mounts(const struct hpl_volume *v, size_t count)
{
	int good = 1;

	for (size_t i = 0; i < count; i++)
		good = good && mounted_at(v[i].mount, v[i].mapping);
	ok(good, "each mapping is mounted at its place", NULL);
}

static int put_marker(const struct hpl_volume *v)
{
	char path[128];

	snprintf(path, sizeof path, "%s/marker-%s", v->mount, v->name);
	return hpl_file_write(path, "x", 1, 0600, NULL) == 0;
}

static int has_marker(const struct hpl_volume *v)
{
	char path[128];

	snprintf(path, sizeof path, "%s/marker-%s", v->mount, v->name);
	return access(path, F_OK) == 0;
}

/* Innermost first: the reverse of the list. */
static void close_all(struct hpl_volume *v, size_t count)
{
	int good = 1;

	for (size_t i = count; i-- > 0;)
		good = umount(v[i].mount) == 0 && crypt_deactivate(NULL, v[i].mapping) == 0 && good;
	ok(good, "all are unmounted, innermost first, and closed", NULL);
}

/* kill -9 for the worker, as the kernel does when memory runs out */
static void kill_worker(void)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *e; (e = readdir(proc));) {
		_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
		char path[300];

		snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
		if (atoi(e->d_name) > 0 && hpl_file_read(&b, path, 64, NULL) == 0 && b.data &&
			strncmp(b.data, "hpl-storage-vol", 15) == 0)
			kill(atoi(e->d_name), SIGKILL);
	}
	closedir(proc);
}

static int mappings(void)
{
	DIR *d = opendir("/dev/mapper");
	int count = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		count += strncmp(e->d_name, "luks-", 5) == 0;
	if (d)
		closedir(d);
	return count;
}

static int killed;

static void on_turn_kill(uv_timer_t *t)
{
	if (killed || !mappings())
		return;
	killed = 1;
	kill_worker();
}

#define IN_MKFS "/tmp/in-mkfs"
#define OUTLIVED "/tmp/mkfs-outlived"

/* The data's mkfs opens its device and goes on for a minute; its sleep has not the device. */
static int make_slow_mkfs(void)
{
	static const char script[] = "#!/bin/sh\n"
		"for last; do :; done\n"
		"case $last in /dev/mapper/*) exec 9<> \"$last\"; : > " IN_MKFS "; sleep 60 9<&-; : > " OUTLIVED "; exit 1 ;;\n"
		"esac\n"
		"exec /sbin/mkfs.ext4 \"$@\"\n";

	return mkdir("/slow", 0755) == 0 && symlink("/sbin/fsck.ext4", "/slow/fsck.ext4") == 0 &&
		hpl_file_write("/slow/mkfs.ext4", script, sizeof script - 1, 0755, NULL) == 0;
}

static void on_turn_kill_in_mkfs(uv_timer_t *t)
{
	if (killed || access(IN_MKFS, F_OK) != 0)
		return;
	killed = 1;
	kill_worker();
}

static void case_killed_in_mkfs(void)
{
	struct hpl_volume v = volume("p5", "/mnt/killed");

	killed = 0;
	v.mkfs_dir = "/slow";
	ok(make_slow_mkfs() && run_crew(&v, 1, 1, on_turn_kill_in_mkfs) < 0 && killed &&
		strstr(failure.text, "signal 9") != NULL, "a worker is killed in its mkfs", &failure);
	printf("# %s\n", failure.text);
	ok(access(OUTLIVED, F_OK) != 0, "mkfs died with it", NULL);
	ok(mappings() == 0, "its mapping is removed", NULL);
}

static void case_killed(void)
{
	struct hpl_volume v = volume("p5", "/mnt/killed");

	ok(run_crew(&v, 1, 1, on_turn_kill) < 0 && killed &&
			failure.msg == HPL_MSG_LUKS_UNEXPECTED_ERROR && strstr(failure.text, "signal 9"),
		"a worker that is killed with its mapping open is an error with the signal", &failure);
	printf("# %s\n", failure.text);
	ok(mappings() == 0, "its mapping is removed", NULL);
	ok(!mounted_at("/mnt/killed", v.mapping), "and it is not mounted", NULL);
	case_killed_in_mkfs();
	v = volume("p5", "/mnt/killed");
	ok(run_crew(&v, 1, 1, NULL) == 0 && v.created, "the next worker goes on with the making", &failure);
	close_all(&v, 1);
}

static void case_parallel(void)
{
	static const char *const mounts[] = {"/mnt/a", "/mnt/c", "/mnt/a/b", "/mnt/a/b/d"};
	static const char *const serials[] = {"p1", "p2", "p3", "p4"};
	struct hpl_volume v[4];
	int good = 1;

	for (int i = 0; i < 4; i++)
		v[i] = volume(serials[i], mounts[i]);
	ok(run_crew(v, 4, 4, NULL) == 0, "four blank disks become volumes at once", &failure);
	for (int i = 0; i < 4; i++)
		good = good && v[i].created && v[i].key_bits == 512 && v[i].key_slots == 1 &&
			hpl_streq(v[i].found_fs, "ext4") && put_marker(&v[i]);
	ok(good, "each says what was made, and takes a file", NULL);
	check_mounts(v, 4);
	close_all(v, 4);
	for (int i = 0; i < 4; i++)
		v[i] = volume(serials[i], mounts[i]);
	ok(run_crew(v, 4, 2, NULL) == 0, "they open again, two at once", &failure);
	good = 1;
	for (int i = 0; i < 4; i++)
		good = good && !v[i].created && has_marker(&v[i]);
	ok(good, "none was made, and the files are where they were", NULL);
	check_mounts(v, 4);
	close_all(v, 4);
	case_killed();
}

static void case_copies(void)
{
	struct hpl_volume v[2] = {volume("p1", "/mnt/a"), volume("p1-copy", "/mnt/c")};
	struct hpl_volume one;

	ok(run_crew(v, 2, 2, NULL) < 0 && failure.msg == HPL_MSG_LUKS_ALREADY_IN_USE,
		"a disk and its copy are HPL02123E", &failure);
	printf("# %s\n", failure.text);
	for (int i = 0; i < 2; i++)
		if (mounted_at(v[i].mount, v[i].mapping))
			close_all(&v[i], 1);
	ok(mappings() == 0, "no mapping is left", NULL);
	one = volume("p1", "/mnt/a");
	ok(run_crew(&one, 1, 1, NULL) == 0 && !one.created && has_marker(&one),
		"the disk opens alone, with its file", &failure);
	v[1] = volume("p1-copy", "/mnt/c");
	ok(run_crew(&v[1], 1, 1, NULL) < 0 && failure.msg == HPL_MSG_LUKS_ALREADY_IN_USE,
		"the copy is refused while the disk is mounted", &failure);
	printf("# %s\n", failure.text);
	ok(mounted_at("/mnt/a", one.mapping) && has_marker(&one), "which is not disturbed", NULL);
	close_all(&one, 1);
	one = volume("p1-copy", "/mnt/a");
	one.name = "p1";
	ok(run_crew(&one, 1, 1, NULL) == 0 && !one.created && has_marker(&one),
		"the copy opens alone, with its file", &failure);
	close_all(&one, 1);
}

/* Not a limit: the header's memory file is not counted here. */
static void show_memory(void)
{
	struct rusage own, children;

	if (getrusage(RUSAGE_SELF, &own) == 0 && getrusage(RUSAGE_CHILDREN, &children) == 0)
		printf("# at most %ld KiB in this process, %ld KiB in a worker\n", own.ru_maxrss,
			children.ru_maxrss);
}

int main(int argc, char **argv)
{
	static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || hpl_secret_copy(&pass, text, 64, NULL) < 0)
		return 2;
	if (hpl_streq(argv[1], "parallel"))
		case_parallel();
	else if (hpl_streq(argv[1], "copies"))
		case_copies();
	else
		return 2;
	show_memory();
	return finish();
}
