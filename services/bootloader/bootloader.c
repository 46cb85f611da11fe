// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/bootloader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/base/modules.h"
#include "services/bootloader/console.h"
#include "services/bootloader/keys.h"
#include "services/bootloader/machine.h"
#include "services/bootloader/unpack.h"

#define CONTRACT_KEY "/keys/contract.key"
#define ATTESTATION_KEY "/keys/attestation.key"
#define BOOT_MOUNT "/run/hpl/boot-partition"
#define CIDATA_MOUNT "/run/hpl/cidata"

enum { CONTRACT_UID = 801, CERT_LIMIT = 256 << 10 };

static int step_image(struct hpl_boot *b, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;

	if (hpl_file_read(&text, HPL_IMAGE_FILE, 64 << 10, err) < 0 ||
		hpl_image_parse(&b->image, text.data ? text.data : "", text.len, err) < 0)
		return -1;
	hpl_buf_clear(&text);
	if (hpl_file_read(&text, "/proc/sysinfo", 64 << 10, NULL) == 0 && text.data &&
		hpl_machine_identity(b->machine, sizeof(b->machine), text.data) != 0)
		b->machine[0] = 0;
	hpl_console_build(b->console, b->image.build, b->image.enabler);
	hpl_console_date(b->console, time(NULL));
	if (b->machine[0])
		hpl_console_step(b->console, "Machine Type/Plant/Serial: %s", b->machine);
	return hpl_machine_memory_check(b->image.min_memory_mb, "/sys/devices/system/memory",
		"/proc/meminfo", err);
}

/* 1: not all there yet */
static int look_for_devices(struct hpl_boot *b, struct hpl_err *err)
{
	static struct hpl_devices d;
	enum hpl_cidata_type types[HPL_DEVICES_MAX] = {0};
	const struct hpl_device *boot = NULL;
	size_t extra = 0;
	char path[HPL_DEVICE_NAME + 8];

	if (hpl_devices_list(&d, "/sys/class/block", err) < 0)
		return -1;
	int r = hpl_devices_boot(&boot, &d, err);
	if (r < 0)
		return -1;
	if (r == 0) {
		snprintf(b->boot_disk, sizeof(b->boot_disk), "/dev/%s", boot->parent);
		snprintf(b->boot_part, sizeof(b->boot_part), "/dev/%s", boot->name);
	}
	for (size_t i = 0; i < d.count; i++) {
		snprintf(path, sizeof(path), "/dev/%s", d.list[i].name);
		types[i] = hpl_device_probe(path);
	}
	const struct hpl_device *cidata = hpl_devices_cidata(&d, types, &extra);
	if (!cidata)
		return 1;
	snprintf(b->cidata_device, sizeof(b->cidata_device), "/dev/%s", cidata->name);
	b->cidata_type = types[cidata - d.list];
	if (r == 0 && extra)
		for (size_t i = 0; i < d.count; i++)
			if (types[i] != HPL_CIDATA_NONE && &d.list[i] != cidata) {
				snprintf(path, sizeof(path), "/dev/%s", d.list[i].name);
				hpl_console_message(b->console, HPL_MSG_BOOTLOADER_DEVICE_IGNORED, path);
			}
	return r;
}

static int step_devices(struct hpl_boot *b, struct hpl_err *err)
{
	uint64_t end = hpl_mono_us() + HPL_DEVICES_WAIT_MS * 1000ULL;
	struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int r;

	while ((r = look_for_devices(b, err)) > 0 && hpl_mono_us() < end)
		nanosleep(&pause, NULL);
	if (r <= 0)
		return r;
	if (!b->boot_disk[0]) {
		HPL_FAIL(err, 0, 0, "no disk has a partition named hpl-boot, after %d s",
			HPL_DEVICES_WAIT_MS / 1000);
		hpl_err_cure(err, "attach the image's boot disk");
		return -1;
	}
	HPL_FAIL(err, HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0, "no device is labelled cidata, after %d s",
		HPL_DEVICES_WAIT_MS / 1000);
	hpl_err_cure(err, "attach the contract as an ISO 9660 drive with the volume label cidata");
	return -1;
}

/* Without udev the node of a partition comes with the kernel's own event, a moment later. */
static int wait_for_node(const char *path, struct hpl_err *err)
{
	uint64_t end = hpl_mono_us() + 10 * 1000000ULL;
	struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
	struct stat st;

	while (stat(path, &st) < 0 || !S_ISBLK(st.st_mode)) {
		if (hpl_mono_us() > end)
			return HPL_FAIL(err, 0, 0, "%s does not appear", path);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int step_partition(struct hpl_boot *b, struct hpl_err *err)
{
	int number = 0;
	int r = hpl_rootdisk_find_old(&number, b->boot_disk, err);

	if (r < 0)
		return -1;
	if (r == 0)
		hpl_console_step(b->console, "delete old root partition...");
	hpl_console_step(b->console, "create new root partition...");
	if (hpl_rootdisk_partition(&number, b->boot_disk, err) < 0)
		return -1;
	size_t n = strlen(b->boot_disk);
	bool digit = b->boot_disk[n - 1] >= '0' && b->boot_disk[n - 1] <= '9'; /* nvme0n1p2 */
	snprintf(b->root_part, sizeof(b->root_part), "%s%s%d", b->boot_disk, digit ? "p" : "", number);
	return wait_for_node(b->root_part, err);
}

static int step_encrypt(struct hpl_boot *b, struct hpl_err *err)
{
	char name[64];

	hpl_console_step(b->console, "encrypt root partition...");
	if (hpl_mkdir_p("/run/cryptsetup", 0700, err) < 0 ||
		hpl_rootdisk_passphrase(&b->passphrase, err) < 0 ||
		hpl_rootdisk_format(b->root_part, &b->passphrase, b->root_uuid, err) < 0)
		return -1;
	snprintf(name, sizeof(name), "luks-%s", b->root_uuid);
	int r = hpl_rootdisk_open(b->root_part, name, &b->passphrase, err);
	hpl_secret_done(&b->passphrase); /* from here on nothing can open the volume again */
	return r;
}

static int step_filesystem(struct hpl_boot *b, struct hpl_err *err)
{
	char device[80];

	hpl_console_step(b->console, "create root filesystem...");
	snprintf(device, sizeof(device), "/dev/mapper/luks-%s", b->root_uuid);
	if (hpl_rootdisk_mkfs(device, err) < 0 || hpl_mkdir_p(HPL_NEW_ROOT, 0755, err) < 0)
		return -1;
	if (mount(device, HPL_NEW_ROOT, "ext4", MS_NOATIME, HPL_ROOT_MOUNT_OPTIONS) < 0)
		return HPL_FAIL(err, 0, errno, "cannot mount the new root");
	return 0;
}

static int unpack_root(struct hpl_boot *b, struct hpl_err *err)
{
	_cleanup_close_ int boot = open(BOOT_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int root = open(HPL_NEW_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hpl_unpack_result res;

	if (boot < 0 || root < 0)
		return HPL_FAIL(err, 0, errno, "cannot open the boot partition");
	_cleanup_close_ int fd =
		hpl_open_beneath(boot, "root.tar.gz", O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, err);
	if (fd < 0)
		return -1;
	if (hpl_unpack(&res, fd, root, &HPL_UNPACK_LIMITS, err) < 0)
		return HPL_WRAP(err, 0, "root.tar.gz");
	if (strcmp(res.hash.hex, b->image.root_sha256) != 0) {
		HPL_FAIL(err, 0, 0, "root.tar.gz has the hash %s, the image expects %s", res.hash.hex,
			b->image.root_sha256);
		hpl_err_cure(err, "boot an unchanged image");
		return -1;
	}
	b->root_hash = res.hash;
	return 0;
}

static int step_unpack(struct hpl_boot *b, struct hpl_err *err)
{
	unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

	hpl_console_step(b->console, "write OS to root disk...");
	if (hpl_mkdir_p(BOOT_MOUNT, 0700, err) < 0)
		return -1;
	/* noload: the journal of a partition that the host may write is not replayed */
	if (mount(b->boot_part, BOOT_MOUNT, "ext4", flags, "noload") < 0)
		return HPL_FAIL(err, 0, errno, "cannot mount %s", b->boot_part);
	int r = unpack_root(b, err);
	umount2(BOOT_MOUNT, MNT_DETACH);
	return r;
}

static int read_cidata(struct hpl_boot *b, struct hpl_err *err)
{
	const char *type = b->cidata_type == HPL_CIDATA_VFAT ? "vfat" : "iso9660";
	_cleanup_close_ int dev = open(b->cidata_device, O_RDONLY | O_CLOEXEC);

	if (dev < 0)
		return HPL_FAIL(err, 0, errno, "cannot open %s", b->cidata_device);
	if (hpl_measure_fd(&b->cidata_hash, dev, (uint64_t)HPL_CIDATA_DEVICE_MB << 20, err) < 0)
		return HPL_WRAP(err, 0, "cidata device %s", b->cidata_device);
	if (hpl_mkdir_p(CIDATA_MOUNT, 0700, err) < 0)
		return -1;
	if (mount(b->cidata_device, CIDATA_MOUNT, type, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    NULL) < 0)
		return HPL_FAIL(err, 0, errno, "cannot mount the cidata device %s as %s",
			b->cidata_device, type);
	_cleanup_close_ int dir = open(CIDATA_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? HPL_FAIL(err, 0, errno, "cannot open the cidata device")
			: hpl_cidata_read(&b->cidata, dir, err);
	umount2(CIDATA_MOUNT, MNT_DETACH);
	return r;
}

static void bad_module(void *ud, const char *name, int sys)
{
	const struct hpl_boot *b = ud;
	char text[300];

	snprintf(text, sizeof(text), "%s: %s", name, strerror(sys));
	hpl_console_message(b->console, HPL_MSG_BOOTLOADER_MODULE_IGNORED, text);
}

/* The guest's root has no modules: what its network service will ask of the kernel is loaded now. A
 * failure is told by that service, which knows the interface that it is for. */
static void load_network_modules(struct hpl_boot *b)
{
	if (hpl_cidata_wants(&b->cidata, "vlans"))
		(void)hpl_modules_load("/modules/vlans", bad_module, b, NULL);
	if (hpl_cidata_wants(&b->cidata, "bonds"))
		(void)hpl_modules_load("/modules/bonds", bad_module, b, NULL);
}

static int refuse_section(const char *name, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0,
		"the encrypted section cannot be decrypted with the key of this image");
	hpl_err_place(err, "user-data %s", name);
	hpl_err_cure(err, "encrypt it with the encryption certificate of this image");
	return -1;
}

static int step_contract(struct hpl_boot *b, struct hpl_err *err)
{
	EVP_PKEY *key = NULL;

	hpl_console_step(b->console, "decrypt user-data...");
	if (read_cidata(b, err) < 0 || hpl_keys_load(&key, CONTRACT_KEY, err) < 0)
		return -1;
	load_network_modules(b);
	int r = hpl_sections_open(&b->sections, b->cidata.user_data.data, b->cidata.user_data.len, key,
		err);
	EVP_PKEY_free(key);
	if (r < 0)
		return -1;
	hpl_console_line(b->console, "%u token decrypted, %u encrypted token ignored",
		b->sections.decrypted, b->sections.ignored);
	if (b->sections.refused)
		return refuse_section(b->sections.refused, err);
	if (b->sections.has_key)
		return hpl_sections_auditor_key(&b->auditor_key, &b->sections, err);
	return 0;
}

static void set_hash(struct hpl_sha256 *ret, const char *hex)
{
	memcpy(ret->hex, hex, sizeof(ret->hex));
}

static int fill_record(struct hpl_record *r, struct hpl_boot *b, struct hpl_err *err)
{
	*r = (struct hpl_record){
		.build = b->image.build,
		.machine = b->machine[0] ? b->machine : NULL,
		.created = b->image.created,
		.now = time(NULL),
		.root = b->root_hash,
		.cidata_device = b->cidata_hash,
		.sections = b->sections.list,
		.section_count = b->sections.count,
	};
	set_hash(&r->baseimage, b->image.baseimage_sha256);
	set_hash(&r->sbom, b->image.sbom_sha256);
	const struct hpl_cidata *c = &b->cidata;
	if (hpl_measure_bytes(&r->meta_data, c->meta_data.data, c->meta_data.len, err) < 0 ||
		hpl_measure_bytes(&r->user_data, c->user_data.data, c->user_data.len, err) < 0 ||
		hpl_measure_bytes(&r->vendor_data, c->vendor_data.data, c->vendor_data.len, err) < 0)
		return -1;
	return 0;
}

static int step_attest(struct hpl_boot *b, struct hpl_err *err)
{
	struct hpl_record record;
	EVP_PKEY *key = NULL;

	hpl_console_step(b->console, "create attestation data");
	if (hpl_file_read(&b->encrypt_crt, "/keys/encrypt.crt", CERT_LIMIT, err) < 0 ||
		hpl_file_read(&b->attestation_crt, "/keys/attestation.crt", CERT_LIMIT, err) < 0 ||
		fill_record(&record, b, err) < 0 || hpl_keys_load(&key, ATTESTATION_KEY, err) < 0)
		return -1;
	if (b->auditor_key)
		hpl_console_step(b->console, "encrypt attestation document...");
	int r = hpl_evidence_make(&b->evidence, &record, &b->encrypt_crt, &b->attestation_crt, key,
		b->auditor_key, err);
	EVP_PKEY_free(key);
	return r < 0 ? -1 : hpl_boot_destroy_keys(err);
}

static int step_hostname(struct hpl_boot *b, struct hpl_err *err)
{
	struct hpl_err e = HPL_ERR_NULL;
	char line[80];

	hpl_console_step(b->console, "set hostname...");
	int r = hpl_hostname_parse(b->hostname, sizeof(b->hostname), b->cidata.meta_data.data,
		b->cidata.meta_data.len, &e);
	if (r < 0)
		hpl_console_message(b->console, HPL_MSG_BOOTLOADER_HOSTNAME_IGNORED, e.text);
	if (r != 0)
		return 0; /* the name that the image has */
	snprintf(line, sizeof(line), "%s\n", b->hostname);
	if (sethostname(b->hostname, strlen(b->hostname)) < 0)
		return HPL_FAIL(err, 0, errno, "cannot set the host name");
	return hpl_file_write(HPL_NEW_ROOT "/etc/hostname", line, strlen(line), 0644, err);
}

static int step_finish(struct hpl_boot *b, struct hpl_err *err)
{
	struct hpl_leave leave = {.evidence = &b->evidence,
		.cidata = &b->cidata,
		.decrypted = &b->sections.text,
		.encrypt_crt = &b->encrypt_crt,
		.attestation_crt = &b->attestation_crt,
		.build = b->image.build,
		.contract_uid = CONTRACT_UID};

	hpl_console_step(b->console, "finish root disk setup...");
	return hpl_leave_write(HPL_NEW_ROOT, &leave, err);
}

static const struct {
	const char *name;
	int (*fn)(struct hpl_boot *b, struct hpl_err *err);
} steps[] = {
	{"boot.image", step_image},
	{"boot.devices", step_devices},
	{"boot.partition", step_partition},
	{"boot.encrypt", step_encrypt},
	{"boot.filesystem", step_filesystem},
	{"boot.unpack", step_unpack},
	{"boot.contract", step_contract},
	{"boot.attest", step_attest},
	{"boot.hostname", step_hostname},
	{"boot.finish", step_finish},
};

int hpl_boot_run(struct hpl_boot *b, struct hpl_err *err)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(steps); i++) {
		uint64_t start = hpl_mono_us();
		if (steps[i].fn(b, err) < 0) /* what has an id already is the user's to mend */
			return err->msg ? -1
					: HPL_WRAP(err, HPL_MSG_BOOTLOADER_INTERNAL_ERROR, "%s",
						  steps[i].name);
		hpl_boot_note(steps[i].name, start, hpl_mono_us());
	}
	hpl_console_date(b->console, time(NULL));
	hpl_console_build(b->console, b->image.build, b->image.enabler);
	hpl_console_message(b->console, HPL_MSG_BOOTLOADER_BOOTLOADER_END, NULL);
	return 0;
}

void hpl_boot_done(struct hpl_boot *b)
{
	hpl_secret_done(&b->passphrase);
	hpl_cidata_done(&b->cidata);
	hpl_sections_done(&b->sections);
	EVP_PKEY_free(b->auditor_key);
	b->auditor_key = NULL;
	hpl_buf_done(&b->encrypt_crt);
	hpl_buf_done(&b->attestation_crt);
	hpl_evidence_done(&b->evidence);
}

int hpl_boot_destroy_keys(struct hpl_err *err)
{
	int a = hpl_keys_destroy(CONTRACT_KEY, err);

	return hpl_keys_destroy(ATTESTATION_KEY, a < 0 ? NULL : err) < 0 || a < 0 ? -1 : 0;
}

void hpl_boot_note(const char *name, uint64_t start_us, uint64_t end_us)
{
	_cleanup_close_ int fd =
		open(HPL_STEPS_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	char line[128];

	if (fd < 0)
		return;
	int n = snprintf(line, sizeof(line), "%s\t%llu\t%llu\n", name, (unsigned long long)start_us,
		(unsigned long long)end_us);
	(void)hpl_write_all(fd, line, (size_t)n, NULL);
}
