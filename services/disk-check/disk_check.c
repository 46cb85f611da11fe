/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/disk_check.h"

#include "runtime/base/clock.h"

enum { INTERVAL_MIN_S = 1, INTERVAL_MAX_S = 604800 };

static void on_timer(uv_timer_t *t);

/* ---- log lines: facts 7.5; HPL13003I and HPL13001I are what automation reads ---- */

static void say_volumes(const struct hpl_disk_check *c)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	for (size_t i = 0; i < c->count; i++)
		hpl_buf_fmt(&b, "%s'%s'", i ? ", " : "", c->results[i].device);
	hpl_log(HPL_SEV_INFO, "Updated Volumes list: [%s]", b.data ? b.data : "");
	hpl_log(HPL_SEV_INFO, "Boot volume is %s", c->results[0].device);
	for (size_t i = 0; i < c->count; i++)
		hpl_log(HPL_SEV_INFO, "Volume %s has mount point %s", c->results[i].device,
			c->targets[i].mount);
	hpl_log(HPL_SEV_INFO, "List of mounted volumes are: [%s]", b.data ? b.data : "");
}

static void say_results(struct hpl_disk_check *c)
{
	say_volumes(c);
	for (size_t i = 0; i < c->count; i++) {
		hpl_log(HPL_SEV_INFO, "Verifying the %s disk %s is encrypted or not",
			i ? "data" : "boot", c->results[i].device);
		hpl_log(HPL_SEV_INFO, "%s: Checked for mount point %s, LUKS encryption with %u key slot found",
			hpl_msg_info(HPL_MSG_DISKCHECK_MOUNT_CHECKED)->id, c->targets[i].mount,
			c->results[i].keyslots);
	}
	hpl_service_say(c->service, NULL, HPL_MSG_DISKCHECK_ALL_ENCRYPTED, NULL);
}

/* ---- one check ---- */

static int check_work(void *ud, struct hpl_err *err)
{
	struct hpl_disk_check *c = ud;

	return hpl_check_all(c->results, c->targets, c->count, &c->kernel, err);
}

static int check_again(struct hpl_disk_check *c, const struct hpl_err *err)
{
	c->retries++;
	hpl_log(HPL_SEV_WARNING, "The check could not be made, retrying in %u ms: %s", (unsigned)c->retry_ms,
		err->text);
	return uv_timer_start(&c->timer, on_timer, c->retry_ms, c->interval_s * 1000);
}

static void check_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_disk_check *c = ud;
	Hpl__DiskReport report = HPL__DISK_REPORT__INIT;

	c->running = false;
	c->missed = 0;
	if (result < 0 && err->msg == HPL_MSG_DISKCHECK_NOT_POSSIBLE && c->retries < HPL_CHECK_RETRIES &&
		check_again(c, err) == 0)
		return;
	c->retries = 0;
	if (result == 0) {
		say_results(c);
		report.checked = report.encrypted = (uint32_t)c->count;
		result = hpl_service_publish(c->service, HPL_TOPIC_DISK_CHECKED, &report.base,
			HPL_MSG_DISKCHECK_ALL_ENCRYPTED, err);
	}
	if (result < 0)
		hpl_service_fail(c->service, NULL, err);
}

static int run_check(struct hpl_disk_check *c, struct hpl_err *err)
{
	if (c->running)
		return 0; /* the one that runs answers this request too */
	if (!c->first_said)
		hpl_log(HPL_SEV_INFO, "Verify disk encryption started...");
	c->first_said = true;
	hpl_service_say(c->service, NULL, HPL_MSG_DISKCHECK_STARTED, NULL);
	c->running = true;
	return hpl_work_run(c->service, check_work, check_done, c, err);
}

/* A check that still runs when two more are due waits for a disk that does not answer, which is the host's: it may
 * not end the checks by that. Two, because a guest that was stopped for long finds its clock ahead. */
static int check_next(struct hpl_disk_check *c, struct hpl_err *err)
{
	if (!c->running)
		return run_check(c, err);
	if (c->missed++ == 0) {
		hpl_log(HPL_SEV_WARNING, "The last check has not ended yet");
		return 0;
	}
	HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, 0, "the last check has not ended: a disk does not answer");
	return hpl_err_cure(err, "look at the disks at the host, then boot again"), -1;
}

static void on_timer(uv_timer_t *t)
{
	struct hpl_disk_check *c = t->data;
	struct hpl_err err = HPL_ERR_NULL;

	if (check_next(c, &err) < 0)
		hpl_service_fail(c->service, NULL, &err);
}

/* ---- events ---- */

/* The event dies with the handler: packing and unpacking copies every field. */
static Hpl__MountedVolumes *copy_volumes(const Hpl__MountedVolumes *in)
{
	size_t len = hpl__mounted_volumes__get_packed_size(in);
	_cleanup_free_ uint8_t *packed = malloc(len ? len : 1);

	if (!packed)
		return NULL;
	hpl__mounted_volumes__pack(in, packed);
	return hpl__mounted_volumes__unpack(NULL, len, packed);
}

static int on_ready(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_disk_check *c = state;

	if (c->started)
		return 0;
	if (ev->mounted->n_volumes >= HPL_CHECK_MAX)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, 0, "too many volumes");
	c->volumes = copy_volumes(ev->mounted);
	if (!c->volumes)
		return HPL_OOM(err);
	c->targets[c->count++] = (struct hpl_check_target){.mount = "/"};
	for (size_t i = 0; i < c->volumes->n_volumes; i++) {
		const Hpl__MountedVolume *v = c->volumes->volumes[i];

		c->targets[c->count++] = (struct hpl_check_target){
			.mount = v->mount,
			.device = v->device,
			.mapping = v->mapping,
			.uuid = v->uuid,
			.cipher = v->cipher,
			.key_bytes = v->key_bits / 8,
			.keyslots = v->key_slots,
			.data_offset = v->data_offset,
			.sector_size = v->sector_size,
		};
	}
	c->started = true;
	uv_timer_start(&c->timer, on_timer, c->interval_s * 1000, c->interval_s * 1000);
	return run_check(c, err);
}

static int on_request(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_disk_check *c = state;
	uint64_t now = hpl_mono_us();
	size_t slot = c->asked % HPL_CHECK_BURST;

	if (!c->started) /* the check at the boot is still to come */
		return 0;
	if (c->asked >= HPL_CHECK_BURST && now - c->asked_us[slot] < HPL_CHECK_BURST_US) {
		hpl_log(HPL_SEV_INFO, "more than %d requests for a check in 5 minutes; this one is ignored",
			HPL_CHECK_BURST);
		return 0;
	}
	c->asked_us[slot] = now;
	c->asked++;
	return run_check(c, err);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_STORAGE_READY, on_ready},
	{HPL_TOPIC_DISK_CHECK, on_request},
	{NULL, NULL},
};

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_disk_check *c = state;

	c->service = s;
	uv_timer_init(hpl_service_loop(s), &c->timer);
	c->timer.data = c;
	c->paths.mountinfo = hpl_service_setting(s, "mountinfo", "/proc/self/mountinfo");
	c->paths.sys_dev = hpl_service_setting(s, "sys_dev", "/sys/dev/block");
	c->paths.sys_btrfs = hpl_service_setting(s, "sys_btrfs", "/sys/fs/btrfs");
	c->paths.control = hpl_service_setting(s, "control", "/dev/mapper/control");
	c->paths.header = hpl_service_setting(s, "header", "/usr/libexec/hpl/hpl-disk-check-header");
	if (!c->kernel.mounts)
		c->kernel = hpl_linux(&c->paths);
	if (hpl_service_setting_u64(s, "retry_ms", 10000, 1, 600000, &c->retry_ms, err) < 0)
		return -1;
	return hpl_service_setting_u64(s, "interval_s", 3600, INTERVAL_MIN_S, INTERVAL_MAX_S,
		&c->interval_s, err);
}

const struct hpl_service_def hpl_disk_check_def = {
	.name = "disk-check",
	.handlers = handlers,
	.start = start,
};

void hpl_disk_check_clear(struct hpl_disk_check *c)
{
	if (c->volumes)
		hpl__mounted_volumes__free_unpacked(c->volumes, NULL);
	c->volumes = NULL;
}
