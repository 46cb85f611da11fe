/* SPDX-License-Identifier: Apache-2.0 */
/* se-disk-encryption: a data volume outside of the boot, by the code of the boot. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/tool/input.h"
#include "runtime/tool/output.h"
#include "schema/mounts.h"
#include "services/storage/kdf.h"
#include "services/storage/luks.h"
#include "services/storage/mountpoint.h"
#include "services/storage/plan.h"
#include "services/storage/prepare.h"
#include "services/storage/tool/lock.h"
#include "services/storage/tool/mounted.h"
#include "disk-spec.h"

static const struct hpl_disk_paths paths = {"/sys/class/block", "/dev", "/proc/self/mountinfo"};

struct job {
	const struct hpl_tool_call *call;
	struct hpl_volume volume;
	struct hpl_mounted mounted;
	struct hpl_plan plan;
	struct hpl_secret passphrase;
	struct hpl_secrets previous;
	int lock;
};

static const char *or_else(const char *value, const char *other) { return value ? value : other; }

/* The id stands where a file's place stands otherwise. */
static int failed(const struct job *j, struct hpl_err *err)
{
	if (err->msg && !*err->place)
		hpl_err_place(err, "%s", hpl_msg_info(err->msg)->id);
	return hpl_tool_fail(j->call, err, HPL_EXIT_BAD);
}

/* ---- what was done, or would be ---- */

static void print_json(struct hpl_buf *out, const struct job *j, const char *done)
{
	_cleanup_json_ struct hpl_json json = HPL_JSON_NULL;
	const struct hpl_volume *v = &j->volume;

	hpl_json_open(&json, NULL, '{');
	hpl_json_string(&json, "device", v->disk.path);
	hpl_json_string(&json, "result", done);
	hpl_json_string(&json, "mount", v->mount);
	if (*v->mapping) {
		hpl_json_string(&json, "mapping", v->mapping);
		hpl_json_string(&json, "filesystem", v->found_fs);
	}
	if (*v->uuid) {
		hpl_json_string(&json, "uuid", v->uuid);
		hpl_json_number(&json, "keySlots", v->key_slots);
		hpl_json_bool(&json, "grown", v->grown);
	}
	if (j->plan.count) {
		hpl_json_open(&json, "steps", '[');
		for (size_t i = 0; i < j->plan.count; i++) {
			hpl_json_open(&json, NULL, '{');
			hpl_json_string(&json, "what", j->plan.steps[i].what);
			hpl_json_string(&json, "text", j->plan.steps[i].text);
			hpl_json_close(&json, '}');
		}
		hpl_json_close(&json, ']');
	}
	hpl_json_close(&json, '}');
	hpl_buf_add(out, json.buf.data, json.buf.len);
}

static void print_text(struct hpl_buf *out, const struct job *j, const char *done)
{
	const struct hpl_volume *v = &j->volume;

	for (size_t i = 0; i < j->plan.count; i++)
		hpl_buf_fmt(out, "would: %s\n", j->plan.steps[i].text);
	if (!j->plan.count)
		hpl_buf_fmt(out, "%s: %s%s, %s (%s) at %s\n", v->disk.path, done, v->grown ? " and grown" : "",
			v->mapping, v->found_fs, v->mount);
}

static int report(const struct job *j, const char *done)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	if (hpl_streq(hpl_tool_value(j->call, "format"), "json"))
		print_json(&out, j, done);
	else
		print_text(&out, j, done);
	return hpl_tool_write(j->call, &out);
}

/* ---- the steps ---- */

static int check_call(const struct hpl_tool_call *c)
{
	const char *label = hpl_tool_value(c, "label"), *passphrase = hpl_tool_value(c, "passphrase-file"),
		*previous = hpl_tool_value(c, "previous-passphrase-file");

	if (!hpl_tool_has(c, "device") || !hpl_tool_has(c, "mount"))
		return hpl_tool_usage_error(c->verb, "--device and --mount are needed");
	if (!hpl_tool_has(c, "dry-run") && !passphrase)
		return hpl_tool_usage_error(c->verb, "--passphrase-file is needed");
	if (previous && !passphrase)
		return hpl_tool_usage_error(c->verb, "--previous-passphrase-file needs --passphrase-file");
	if (hpl_streq(passphrase, "-") && hpl_streq(previous, "-"))
		return hpl_tool_usage_error(c->verb, "only one passphrase can come from standard input");
	if (label && (!*label || strlen(label) > 47))
		return hpl_tool_usage_error(c->verb, "--label takes 1 to 47 characters");
	return HPL_EXIT_GOOD;
}

/* All of the file but one line end: a key of random bytes is not cut at the first byte that looks like
 * a line end, which would leave a key that can be guessed. */
static int read_passphrase(struct hpl_secret *ret, const char *file, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};

	if (hpl_tool_read(&b, file, HPL_TOOL_PASSPHRASE, err) < 0)
		return -1;
	if (b.len && b.data[b.len - 1] == '\n')
		b.len--;
	if (b.len == 0)
		return HPL_FAIL(err, 0, 0, "%s: holds no passphrase", hpl_streq(file, "-") ? "standard input" : file);
	return hpl_secret_copy(ret, b.data, b.len, err);
}

static int read_passphrases(struct job *j, struct hpl_err *err)
{
	const char *now = hpl_tool_value(j->call, "passphrase-file"),
		*before = hpl_tool_value(j->call, "previous-passphrase-file");

	if ((now && read_passphrase(&j->passphrase, now, err) < 0) ||
		(before && read_passphrase(&j->previous.list[0], before, err) < 0))
		return -1;
	j->previous.count = before != NULL;
	return 0;
}

static void fill(struct job *j)
{
	const struct hpl_tool_call *c = j->call;
	struct sysinfo memory = {.totalram = 0};

	(void)sysinfo(&memory);
	j->volume = (struct hpl_volume){
		.name = or_else(hpl_tool_value(c, "label"), "data"),
		.mount = hpl_tool_value(c, "mount"),
		.filesystem = or_else(hpl_tool_value(c, "filesystem"), "ext4"),
		.passphrase = &j->passphrase,
		.previous = &j->previous,
		.mkfs_dir = "/sbin",
		.root = "/",
		.memory_kb = hpl_kdf_memory_kb((uint64_t)memory.totalram * memory.mem_unit),
	};
}

/* A mounted volume keeps its passphrase: the change that was asked for must be there already. */
static int check_changed(const struct job *j, struct hpl_err *err)
{
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
	const struct hpl_disk *d = &j->volume.disk;
	const struct hpl_disk_part *last = d->part_count ? &d->parts[d->part_count - 1] : NULL;

	if (!j->previous.count)
		return 0;
	l.read_only = true;
	if (hpl_luks_init(&l, last ? last->path : d->path, last ? last->size : d->size, err) < 0)
		return -1;
	if (hpl_luks_load(&l, err) == 0 && hpl_luks_slot_of(&l, &j->passphrase, NULL) >= 0 &&
		hpl_luks_slot_of_any(&l, &j->previous, NULL) < 0)
		return 0;
	HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "the volume of %s is mounted: its passphrase is not changed "
		"now", d->path);
	return hpl_err_cure(err, "unmount it and close %s first", j->mounted.mapping), -1;
}

static int check_root(struct hpl_err *err)
{
	if (geteuid() == 0)
		return 0;
	HPL_FAIL(err, 0, 0, "only root can open disks and mount");
	return hpl_err_cure(err, "call it as root"), -1;
}

/* 1: it is mounted there already. */
static int look(struct job *j, struct hpl_err *err)
{
	struct hpl_volume *v = &j->volume;
	struct hpl_mounted *m = &j->mounted;
	char name[64];

	if (hpl_mount_path_check(v->mount, err) < 0 ||
		hpl_disk_resolve(name, sizeof(name), hpl_tool_value(j->call, "device"), &paths, err) < 0 ||
		hpl_disk_look(&v->disk, name, &paths, err) < 0)
		return -1;
	j->lock = hpl_disk_lock(HPL_DISK_LOCK_DIR, v->disk.major, v->disk.minor, err);
	if (j->lock < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "%s", v->disk.path);
	/* again: what another one did until the lock was free counts */
	if (hpl_mounted_of(m, name, v->mount, paths.sys, "/proc/self/mounts", err) < 0 ||
		hpl_disk_look(&v->disk, name, &paths, err) < 0)
		return -1;
	if (!m->mapping[0])
		return 0;
	if (!hpl_streq(m->mount, v->mount)) {
		HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "the volume of %s is mounted at %s", v->disk.path,
			m->mount);
		return hpl_err_cure(err, "unmount it and close %s first", m->mapping), -1;
	}
	if (check_changed(j, err) < 0)
		return -1;
	snprintf(v->mapping, sizeof(v->mapping), "%.63s", m->mapping);
	snprintf(v->found_fs, sizeof(v->found_fs), "%s", m->filesystem);
	return 1;
}

/* Opening the device loads the module; without the device libdevmapper makes one of what /proc/misc says. */
static int check_mapper(struct hpl_err *err)
{
	_cleanup_close_ int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	_cleanup_buf_ struct hpl_buf misc = HPL_BUF_NULL;
	int missing = errno;

	if (fd >= 0 || (missing == ENOENT && hpl_file_read(&misc, "/proc/misc", 65536, NULL) == 0 && misc.len &&
			strstr(misc.data, "device-mapper")))
		return 0;
	HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, missing, "/dev/mapper/control: nothing can be mapped here");
	return hpl_err_cure(err, "modprobe dm-crypt; a container needs the device /dev/mapper/control"), -1;
}

/* Also what would stop the volume when it is made already. Writes nothing. */
static int foresee(struct job *j, bool dry, struct hpl_err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
		fd = open(j->volume.disk.path, O_RDONLY | O_CLOEXEC);
	int sector = 0;

	if (fd < 0 || ioctl(fd, BLKSSZGET, &sector) < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno, "%s", j->volume.disk.path);
	if (hpl_prepare_judge(&j->volume, (uint32_t)sector, err) < 0 ||
		hpl_mount_path_look(root, j->volume.mount, err) < 0)
		return -1;
	return dry ? hpl_plan(&j->plan, &j->volume, fd, (uint32_t)sector, err) : check_mapper(err);
}

static int work(struct job *j)
{
	struct hpl_err err = HPL_ERR_NULL;
	bool dry = hpl_tool_has(j->call, "dry-run");
	int rc;

	if (read_passphrases(j, &err) < 0)
		return hpl_tool_fail(j->call, &err, HPL_EXIT_CALL);
	fill(j);
	rc = check_root(&err) < 0 ? -1 : look(j, &err);
	if (rc == 1)
		return report(j, "mounted already");
	if (rc == 0)
		rc = foresee(j, dry, &err);
	if (rc == 0 && !dry)
		rc = hpl_volume_bring_up(&j->volume, &err);
	if (rc < 0)
		return failed(j, &err);
	return report(j, dry ? "nothing, dry run" : j->volume.created ? "made" : "opened");
}

static int disk_encryption(const struct hpl_tool_call *c)
{
	struct job j = {.call = c, .lock = -1};
	int rc = check_call(c);

	if (rc != HPL_EXIT_GOOD)
		return rc;
	hpl_secret_harden_process();
	rc = work(&j);
	hpl_secret_done(&j.passphrase);
	hpl_secrets_done(&j.previous);
	hpl_closep(&j.lock);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct hpl_tool_row row = {&spec_se_disk_encryption, disk_encryption};

	return hpl_tool_single(&row, argc, argv);
}
