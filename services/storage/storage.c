/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/storage.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "runtime/base/clock.h"
#include "services/storage/input.h"
#include "services/storage/kdf.h"
#include "services/storage/keyed.h"

#define TAG_MOUNT "hpcr-disk-mount"
#define TAG_STANDBY "hpcr-disk-standby"
/* known lines name the contract here; the service itself reads no file of it */
#define CONTRACT_NAME "/var/hyperprotect/user-data.decrypted"

enum {
	POLL_MS = 250,          /* listing a directory of sysfs costs less than a millisecond */
	RESCAN_US = 5000000,    /* a disk may change without its name or size changing */
	WAIT_MAX_S = 86400,
};

static void line(const char *tag, const char *text)
{
	hpl_log_tag(HPL_SEV_INFO, tag, "%s", text);
}

void hpl_storage_fail(struct hpl_storage *st, const struct hpl_err *err)
{
	uv_timer_stop(&st->timer);
	hpl_service_fail(st->service, st->phase == HPL_STORAGE_MOUNTING ? TAG_MOUNT : TAG_STANDBY,
		err);
}

/* ---- the end ---- */

static int publish_ready(struct hpl_storage *st, struct hpl_err *err)
{
	Hpl__MountedVolume items[HPL_STORAGE_VOLUMES_MAX];
	Hpl__MountedVolume *list[HPL_STORAGE_VOLUMES_MAX];
	Hpl__MountedVolumes out = HPL__MOUNTED_VOLUMES__INIT;

	for (size_t i = 0; i < st->count; i++) {
		struct hpl_storage_volume *v = &st->volumes[i];

		hpl__mounted_volume__init(&items[i]);
		items[i].name = v->name;
		items[i].mount = v->mount;
		items[i].device = v->job.device;
		items[i].mapping = v->job.mapping;
		items[i].created = v->job.created;
		items[i].uuid = v->job.uuid;
		items[i].cipher = v->job.cipher;
		items[i].key_bits = v->job.key_bits;
		items[i].data_offset = v->job.data_offset;
		items[i].sector_size = v->job.sector_size;
		items[i].key_slots = v->job.key_slots;
		list[i] = &items[i];
	}
	out.n_volumes = st->count;
	out.volumes = list;
	return hpl_service_publish(st->service, HPL_TOPIC_STORAGE_READY, &out.base,
		HPL_MSG_STORAGE_MOUNTING_VOLUMES_DONE, err);
}

static int finish(struct hpl_storage *st, struct hpl_err *err)
{
	hpl_storage_drop_keys(st);
	for (size_t i = 0; i < st->count; i++) {
		struct hpl_storage_volume *v = &st->volumes[i];

		if (v->job.created) {
			hpl_service_say(st->service, TAG_MOUNT, HPL_MSG_LUKS_ENCRYPTION_SUCCESS, NULL);
			hpl_service_say(st->service, TAG_MOUNT, HPL_MSG_STORAGE_ENCRYPTION_SUCCESSFUL,
				"%s: %s", v->name, v->job.device);
		}
		if (v->job.grown)
			hpl_service_say(st->service, TAG_MOUNT, HPL_MSG_STORAGE_GROWN, "%s: %s", v->name,
				v->job.device);
		hpl_service_say(st->service, TAG_MOUNT, HPL_MSG_LUKS_MOUNT_SUCCESS, "%s (%s) at %s",
			v->job.device, v->job.found_fs, v->mount);
	}
	hpl_service_say(st->service, TAG_MOUNT, HPL_MSG_STORAGE_MOUNTING_VOLUMES_DONE, NULL);
	if (publish_ready(st, err) < 0)
		return -1;
	st->phase = HPL_STORAGE_DONE;
	hpl_service_done(st->service);
	return 0;
}

/* ---- mounting ---- */

static void mount_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_storage *st = ud;

	st->crew = NULL;
	if (result < 0 || finish(st, err) < 0)
		hpl_storage_fail(st, err);
}

static int start_crew(struct hpl_storage *st, struct hpl_err *err)
{
	struct hpl_volume *list[HPL_STORAGE_VOLUMES_MAX];
	struct hpl_crew_plan plan = {
		.loop = hpl_service_loop(st->service),
		.program = st->worker,
		.volumes = list,
		.count = st->count,
		.parallel = hpl_crew_fit((unsigned)st->parallel, uv_get_total_memory()),
		.stop_ms = (unsigned)st->worker_stop_ms,
		.done = mount_done,
		.ud = st,
	};

	for (size_t i = 0; i < st->count; i++)
		list[i] = &st->volumes[i].job;
	return hpl_crew_start(&st->crew, &plan, err);
}

static int fill_job(struct hpl_storage *st, size_t i, struct hpl_err *err)
{
	struct hpl_storage_volume *v = &st->volumes[i];
	const struct hpl_storage_key *key = hpl_storage_key_of(st, v->name, err);

	if (!key)
		return -1;
	v->job = (struct hpl_volume){
		.name = v->name,
		.mount = v->mount,
		.filesystem = v->filesystem,
		.disk = st->disks[st->disk_of[i]],
		.passphrase = &key->passphrase,
		.previous = &key->previous,
		.mkfs_dir = st->mkfs_dir,
		.root = st->root,
		.memory_kb = st->memory_kb ? (uint32_t)st->memory_kb :
			hpl_kdf_memory_kb(uv_get_total_memory()),
		.keyfile = v->stored.len ? v->stored.data : v->found.data,
		.keyfile_len = v->stored.len ? v->stored.len : v->found.len,
		.keyfile_tool = {st->keyfile_program, st->mkfs_dir},
	};
	hpl_log_tag(HPL_SEV_INFO, TAG_MOUNT,
		"Volume config .. name=[%s], mount=[%s], filesystem=[%s], device=[%s] (%s)", v->name,
		v->mount, v->filesystem, v->job.disk.path, hpl_disk_kind_name(v->job.disk.kind));
	return 0;
}

static void say_mounting(void)
{
	line(TAG_MOUNT, "Mounting volumes ...");
	line(TAG_MOUNT, "Version [" HPL_VERSION "]");
	line(TAG_MOUNT, "MountVolumes input=[" CONTRACT_NAME "]");
	line(TAG_MOUNT, "ParseContract ...");
	line(TAG_MOUNT, "ValidateContract ...");
	line(TAG_MOUNT, "MergeVolumes ...");
	line(TAG_MOUNT, "Mounting volumes ...");
}

int hpl_storage_mount(struct hpl_storage *st, struct hpl_err *err)
{
	line(TAG_STANDBY, "Waiting for devices is completed");
	uv_timer_stop(&st->timer);
	st->phase = HPL_STORAGE_MOUNTING;
	say_mounting();
	if (st->count == 0)
		return finish(st, err);
	for (size_t i = 0; i < st->count; i++)
		if (fill_job(st, i, err) < 0)
			return -1;
	return start_crew(st, err);
}

/* ---- waiting for devices ---- */

static void name_missing(const struct hpl_storage *st, char *out, size_t size)
{
	out[0] = 0;
	for (size_t i = 0; i < st->count; i++)
		if (st->disk_of[i] == HPL_MATCH_NONE) {
			size_t len = strlen(out);

			snprintf(out + len, size - len, "%s%s", len ? ", " : "", st->volumes[i].name);
		}
}

/* What is there instead helps to see a wrong serial. */
static void name_present(const struct hpl_storage *st, char *out, size_t size)
{
	out[0] = 0;
	for (size_t i = 0; i < st->disk_count; i++) {
		const struct hpl_disk *d = &st->disks[i];
		size_t len = strlen(out);

		snprintf(out + len, size - len, "%s%s (serial '%s', %s)", len ? ", " : "", d->path,
			d->serial, d->excluded[0] ? d->excluded : hpl_disk_kind_name(d->kind));
	}
}

static bool unreadable(const struct hpl_storage *st)
{
	for (size_t i = 0; i < st->disk_count; i++)
		if (st->disks[i].kind == HPL_DISK_UNREADABLE)
			return true;
	return false;
}

static int timed_out(struct hpl_storage *st, struct hpl_err *err)
{
	char missing[256], present[512];

	name_missing(st, missing, sizeof missing);
	name_present(st, present, sizeof present);
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_MISSING, 0,
		"no disk for volume %s after %" PRIu64 " s; disks here: %s", missing, st->wait_s,
		present[0] ? present : "none");
	hpl_err_cure(err, unreadable(st) ? "look at the disk that cannot be read, or say by volumeID which one it is" :
		"attach the disk, or correct volumeID or volumeName");
	return -1;
}

static int scan_work(void *ud, struct hpl_err *err)
{
	struct hpl_storage *st = ud;

	return hpl_disk_scan(st->disks, &st->disk_count, &st->paths, err);
}

static int match(struct hpl_storage *st, struct hpl_err *err)
{
	struct hpl_want wants[HPL_STORAGE_VOLUMES_MAX];
	bool settled = hpl_mono_us() - st->changed_us >= st->settle_ms * 1000;

	for (size_t i = 0; i < st->count; i++)
		wants[i] = (struct hpl_want){st->volumes[i].name, st->volumes[i].volume_id,
			st->volumes[i].volume_name};
	return hpl_match(st->disk_of, wants, st->count, st->disks, st->disk_count, settled, err);
}

static void scan_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_storage *st = ud;

	st->phase = HPL_STORAGE_WAITING;
	st->scanned_us = hpl_mono_us();
	if (result == 0)
		result = match(st, err);
	if (result == 0)
		result = hpl_keyed_any(st) ? hpl_keyed_read(st, err) : hpl_storage_mount(st, err);
	if (result < 0)
		hpl_storage_fail(st, err);
}

static int publish_waiting(struct hpl_storage *st, uint32_t left, struct hpl_err *err)
{
	Hpl__StorageWaiting out = HPL__STORAGE_WAITING__INIT;
	char *names[HPL_STORAGE_VOLUMES_MAX];

	for (size_t i = 0; i < st->count; i++)
		if (st->disk_of[i] == HPL_MATCH_NONE)
			names[out.n_volumes++] = st->volumes[i].name;
	out.volumes = names;
	out.seconds_left = left;
	return hpl_service_publish(st->service, HPL_TOPIC_STORAGE_WAITING, &out.base,
		HPL_MSG_STORAGE_WAITING_FOR_DEVICE, err);
}

/* Soon at first, so that who looks at the console sees what is missing, then each minute. */
static int say_progress(struct hpl_storage *st, uint64_t now, struct hpl_err *err)
{
	uint64_t left = now < st->deadline_us ? (st->deadline_us - now) / 1000000 : 0;
	char missing[256];

	if (now - st->said_us < (st->said ? st->progress_s : st->first_progress_s) * 1000000)
		return 0;
	st->said_us = now;
	st->said = true;
	name_missing(st, missing, sizeof missing);
	hpl_service_say(st->service, TAG_STANDBY, HPL_MSG_STORAGE_WAITING_FOR_DEVICE,
		"volume %s, %" PRIu64 " s left", missing, left);
	return publish_waiting(st, (uint32_t)left, err);
}

/* Is a look at the contents due: devices changed, settled just now, or the last look is old? */
static int scan_due(struct hpl_storage *st, uint64_t now, bool *ret, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf seen = HPL_BUF_NULL;
	uint64_t settled_at;

	if (hpl_disk_fingerprint(&seen, &st->paths, err) < 0)
		return -1;
	if (seen.len != st->seen.len || (seen.len && memcmp(seen.data, st->seen.data, seen.len))) {
		struct hpl_buf old = st->seen;

		st->seen = seen;
		seen = old;
		st->changed_us = now;
	}
	settled_at = st->changed_us + st->settle_ms * 1000;
	*ret = st->scanned_us <= st->changed_us || now - st->scanned_us >= RESCAN_US ||
	       (st->scanned_us < settled_at && now >= settled_at);
	return 0;
}

static int tick(struct hpl_storage *st, struct hpl_err *err)
{
	uint64_t now = hpl_mono_us();
	bool due = false;

	if (st->phase != HPL_STORAGE_WAITING)
		return 0;
	if (scan_due(st, now, &due, err) < 0)
		return -1;
	/* one look behind the deadline, and no more: devices that come and go all the time make one due at each tick */
	if (now >= st->deadline_us && (!due || st->scanned_us >= st->deadline_us))
		return timed_out(st, err);
	if (due) {
		st->phase = HPL_STORAGE_SCANNING;
		return hpl_work_run(st->service, scan_work, scan_done, st, err);
	}
	return say_progress(st, now, err);
}

static void on_timer(uv_timer_t *t)
{
	struct hpl_storage *st = t->data;
	struct hpl_err err = HPL_ERR_NULL;

	if (tick(st, &err) < 0)
		hpl_storage_fail(st, &err);
}

static void say_waiting(const struct hpl_storage *st)
{
	time_t end = (time_t)(hpl_wall_us() / 1000000 + st->wait_s);
	char text[64];
	struct tm tm;

	gmtime_r(&end, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	line(TAG_STANDBY, "Waiting for devices ...");
	line(TAG_STANDBY, "Version [" HPL_VERSION "]");
	hpl_log_tag(HPL_SEV_INFO, TAG_STANDBY, "WaitForDevices input=[" CONTRACT_NAME "], timeout=[%s]",
		text);
	line(TAG_STANDBY, "ParseContract ...");
	line(TAG_STANDBY, "ValidateContract ...");
	line(TAG_STANDBY, "MergeVolumes ...");
}

static int begin(struct hpl_storage *st, struct hpl_err *err)
{
	uint64_t now = hpl_mono_us();

	if (!st->have_volumes || !st->verified || st->phase != HPL_STORAGE_INPUTS ||
		(!st->have_passphrases && !hpl_keyed_any(st)))
		return 0;
	say_waiting(st);
	if (st->count == 0)
		return hpl_storage_mount(st, err);
	for (size_t i = 0; i < st->count; i++) {
		st->disk_of[i] = HPL_MATCH_NONE;
		if (st->have_passphrases && !hpl_storage_key_of(st, st->volumes[i].name, err))
			return -1; /* before any disk is looked at */
	}
	st->disks = calloc(HPL_DISK_MAX, sizeof *st->disks);
	if (!st->disks)
		return HPL_OOM(err);
	st->phase = HPL_STORAGE_WAITING;
	st->deadline_us = now + st->wait_s * 1000000;
	st->changed_us = st->said_us = now;
	st->scanned_us = 0;
	if (uv_timer_start(&st->timer, on_timer, POLL_MS, POLL_MS) < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, 0, "no timer");
	return tick(st, err);
}

/* ---- events ---- */

static int on_volumes(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_storage *st = state;

	if (st->have_volumes)
		return 0;
	if (hpl_storage_take_volumes(st, ev->volumes, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_VALIDATE_CONTRACT, "volumes");
	st->have_volumes = true;
	return begin(st, err);
}

static int on_passphrases(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_storage *st = state;

	if (st->have_passphrases)
		return 0;
	if (hpl_storage_take_passphrases(st, ev->passphrases, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "cannot keep it");
	st->have_passphrases = true;
	return st->phase == HPL_STORAGE_THIRD ? hpl_storage_mount(st, err) : begin(st, err);
}

static int on_stored(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	return hpl_keyed_take(state, ev->source, ev->stored_keys, err);
}

static int on_verified(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_storage *st = state;

	st->verified = true;
	return begin(st, err);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_VOLUMES, on_volumes},
	{HPL_TOPIC_LUKS_PASSPHRASES, on_passphrases},
	{HPL_TOPIC_KEY_STORED, on_stored},
	{HPL_TOPIC_SIGNATURE_VERIFIED, on_verified},
	{NULL, NULL},
};

/* 0, the default: by the memory of the guest */
static int set_memory(struct hpl_service *s, struct hpl_storage *st, struct hpl_err *err)
{
	const char *text = hpl_service_setting(s, "luks_memory_kb", "0");

	st->memory_kb = 0;
	return hpl_streq(text, "0") ? 0 : hpl_service_setting_u64(s, "luks_memory_kb", 0,
		HPL_KDF_MIN_KB, HPL_KDF_MAX_KB, &st->memory_kb, err);
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_storage *st = state;

	st->service = s;
	uv_timer_init(hpl_service_loop(s), &st->timer);
	st->timer.data = st;
	st->paths.sys = hpl_service_setting(s, "sys_block", "/sys/class/block");
	st->paths.dev = hpl_service_setting(s, "dev", "/dev");
	st->paths.mountinfo = hpl_service_setting(s, "mountinfo", "/proc/self/mountinfo");
	st->mkfs_dir = hpl_service_setting(s, "mkfs_dir", "/sbin");
	st->root = hpl_service_setting(s, "root", "/");
	st->worker = hpl_service_setting(s, "worker", "/usr/libexec/hpl/hpl-storage-volume");
	st->keyfile_program = hpl_service_setting(s, "keyfile_program",
		"/usr/libexec/hpl/hpl-storage-keyfile");
	if (hpl_service_setting_u64(s, "wait_s", 900, 0, WAIT_MAX_S, &st->wait_s, err) < 0 ||
		hpl_service_setting_u64(s, "first_progress_s", 10, 0, WAIT_MAX_S, &st->first_progress_s,
			err) < 0 ||
		hpl_service_setting_u64(s, "progress_s", 60, 1, WAIT_MAX_S, &st->progress_s, err) < 0 ||
		hpl_service_setting_u64(s, "settle_ms", 1000, 0, 60000, &st->settle_ms, err) < 0 ||
		hpl_service_setting_u64(s, "parallel", 4, 1, HPL_STORAGE_VOLUMES_MAX, &st->parallel,
			err) < 0 ||
		hpl_service_setting_u64(s, "worker_stop_ms", 20000, 1, 600000, &st->worker_stop_ms,
			err) < 0)
		return -1;
	return set_memory(s, st, err);
}

/* Workers that mount nothing more: each closes its mapping when the pipe ends with this process. */
static void stop(struct hpl_service *s, void *state)
{
	struct hpl_storage *st = state;

	hpl_crew_quit(TAKE(st->crew));
	hpl_service_done(s);
}

/* Also when the bus is lost: no answer of a worker finds the service gone, and none is told to mount. */
static void ended(void *state)
{
	struct hpl_storage *st = state;

	hpl_crew_quit(TAKE(st->crew));
	uv_timer_stop(&st->timer);
}

const struct hpl_service_def hpl_storage_def = {
	.name = "storage",
	.handlers = handlers,
	.start = start,
	.stop = stop,
	.ended = ended,
};

void hpl_storage_clear(struct hpl_storage *st)
{
	hpl_storage_drop_keys(st);
	for (size_t i = 0; i < HPL_STORAGE_VOLUMES_MAX; i++) {
		struct hpl_storage_volume *v = &st->volumes[i];

		hpl_freep(&v->name);
		hpl_freep(&v->mount);
		hpl_freep(&v->filesystem);
		hpl_freep(&v->volume_id);
		hpl_freep(&v->volume_name);
		hpl_freep(&v->provider);
		hpl_buf_done(&v->found);
		hpl_buf_done(&v->stored);
	}
	hpl_buf_done(&st->seen);
	hpl_freep(&st->disks);
}
