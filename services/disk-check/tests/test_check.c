/* SPDX-License-Identifier: Apache-2.0 */
/* The whole check against a kernel whose answers the test gives; on a real one: guest_disk_check.c */
#include <criterion/criterion.h>

#include "proto/messages.h"
#include "services/disk-check/tests/stub.h"

static struct stub stub;
static struct hpl_kernel kernel;
static struct hpl_check_target targets[STUB_DISKS];
static struct hpl_check_result results[STUB_DISKS];
static char names[STUB_DISKS][64];
static struct stub_disk *const data = &stub.disks[STUB_DATA], *const root = &stub.disks[STUB_ROOT],
	*const btrfs = &stub.disks[STUB_BTRFS];

static void setup(void)
{
	stub_init(&stub);
	kernel = stub_kernel(&stub);
	memset(results, 0, sizeof(results));
	targets[STUB_ROOT] = (struct hpl_check_target){.mount = "/"};
	for (int i = STUB_DATA; i < STUB_DISKS; i++) {
		snprintf(names[i], sizeof(names[i]), "luks-%s", stub_uuids[i]);
		targets[i] = (struct hpl_check_target){.mount = stub_points[i], .device = stub_paths[i],
			.mapping = names[i], .uuid = stub_uuids[i], .cipher = "aes-xts-plain64",
			.key_bytes = 64, .keyslots = 1, .data_offset = 32768 * 512, .sector_size = 4096};
	}
}

TestSuite(disk_check_check, .init = setup);

static void good(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_check_all(results, targets, STUB_DISKS, &kernel, &err), 0, "%s", err.text);
}

static void refused(uint32_t msg, const char *why)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_check_all(results, targets, STUB_DISKS, &kernel, &err), -1, "not refused: %s", why);
	cr_expect_eq(err.msg, msg, "%s: %s", hpl_msg_info(err.msg)->id, err.text);
	cr_expect(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
}

/* The last line of the list of mounts, or one in place of another. */
static void mounted(const char *text)
{
	static char all[4096];

	snprintf(all, sizeof(all), "%s%s", stub_mountinfo, text);
	stub.mountinfo = all;
}

static void replaced(const char *line, const char *by)
{
	static char all[4096];
	const char *at = strstr(stub_mountinfo, line);

	cr_assert(at);
	snprintf(all, sizeof(all), "%.*s%s%s", (int)(at - stub_mountinfo), stub_mountinfo, by,
		strchr(at, '\n') + 1);
	stub.mountinfo = all;
}

Test(disk_check_check, what_was_opened_is_fine_again_and_again)
{
	for (int i = 0; i < 3; i++)
		good();
	for (int i = 0; i < STUB_DISKS; i++) {
		cr_expect_str_eq(results[i].device, stub_paths[i]);
		cr_expect_eq(results[i].keyslots, 1);
	}
}

/* ---- mounts ---- */

Test(disk_check_check, an_unmounted_volume_is_HPL13011E)
{
	good();
	replaced("30 22", "");
	data->mount = 22;
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "mount point /mnt/data: not as it was mounted: nothing is mounted");
}

Test(disk_check_check, a_volume_with_something_over_it_is_HPL13011E)
{
	mounted("40 30 0:70 / /mnt/data rw - tmpfs tmpfs rw\n");
	data->mount = 40;
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "2 things are mounted there");
}

Test(disk_check_check, a_hidden_volume_is_HPL13011E)
{
	mounted("40 22 0:70 / /mnt rw - tmpfs tmpfs rw\n");
	data->mount = 40;
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "what is mounted at /mnt");
}

Test(disk_check_check, a_mount_of_another_device_is_refused)
{
	replaced("30 22", "30 22 254:50 / /mnt/data rw - ext4 /dev/vdd rw\n");
	data->place_major = 254;
	data->place_minor = 50;
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "on the device 254:50, which is no mapping");
}

Test(disk_check_check, a_mount_of_another_volume_is_HPL13005E)
{
	replaced("30 22", "30 22 253:0 / /mnt/data rw - ext4 /dev/mapper/luks-root rw\n");
	data->place_minor = 0;
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "on the mapping 'luks-0f7c1d2e-8a3b-4c5d-9e6f-0123456789a0'");
}

Test(disk_check_check, a_bind_mount_of_a_folder_of_the_volume_is_HPL13011E)
{
	replaced("30 22", "30 22 253:1 /sub /mnt/data rw - ext4 /dev/mapper/luks-data rw\n");
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "only the part /sub");
}

Test(disk_check_check, list_and_directory_must_agree)
{
	data->place_minor = 9;
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "the directory is on 253:9");
}

Test(disk_check_check, btrfs_must_stand_on_its_one_mapping)
{
	stub.members[0] = makedev(254, 34);
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "mount point /mnt/b: it is on the device 254:34");
	stub.members[0] = makedev(253, STUB_BTRFS);
	stub.members[1] = makedev(254, 50);
	stub.member_count = 2;
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "stands on 2 devices");
	stub.member_count = 0;
	refused(HPL_MSG_DISKCHECK_MOUNT_CHANGED, "stands on 0 devices");
}

Test(disk_check_check, a_mounted_device_of_nobody_is_HPL13013E)
{
	mounted("40 22 254:50 / /mnt/else rw - ext4 /dev/vdd rw\n");
	refused(HPL_MSG_DISKCHECK_STRANGE_VOLUME, "ext4 of /dev/vdd is mounted at /mnt/else");
	mounted("40 22 11:0 / /media ro - iso9660 /dev/sr0 ro\n");
	refused(HPL_MSG_DISKCHECK_STRANGE_VOLUME, "/dev/sr0");
	mounted("40 22 253:9 / /mnt/else rw - xfs /dev/mapper/other rw\n");
	refused(HPL_MSG_DISKCHECK_STRANGE_VOLUME, "/dev/mapper/other");
	mounted("40 22 7:0 / /mnt/else ro - squashfs /dev/loop0 ro\n");
	refused(HPL_MSG_DISKCHECK_STRANGE_VOLUME, "/dev/loop0");
}

Test(disk_check_check, a_volume_that_is_mounted_a_second_time_is_fine)
{
	mounted("40 22 253:1 /sub /srv rw - ext4 /dev/mapper/luks-data rw\n"
		"41 22 0:44 / /srv2 rw - btrfs /dev/mapper/luks-b rw\n");
	good();
}

/* ---- mappings ---- */

Test(disk_check_check, a_root_that_is_a_plain_disk_is_HPL13005E)
{
	replaced("22 1", "22 1 254:2 / / rw - ext4 /dev/vda2 rw\n");
	root->place_major = 254;
	root->place_minor = 2;
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "mount point /: it is on the device 254:2, which is no mapping");
}

Test(disk_check_check, a_root_without_the_name_of_its_volume_is_HPL13005E)
{
	snprintf(root->dm.name, sizeof(root->dm.name), "root");
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "mapping 'root' is not that of a LUKS volume");
	snprintf(root->dm.name, sizeof(root->dm.name), "luks-%s", stub_uuids[1]);
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "its mapping is known as");
}

Test(disk_check_check, another_table_is_HPL13005E)
{
	struct stub_disk *const all[] = {root, data, btrfs};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(all); i++) {
		setup();
		snprintf(all[i]->dm.type, sizeof(all[i]->dm.type), "linear");
		snprintf(all[i]->dm.params, sizeof(all[i]->dm.params), "254:18 32768");
		refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "of the kind 'linear'");
		setup();
		snprintf(all[i]->dm.params, sizeof(all[i]->dm.params),
			"cipher_null-ecb - 0 254:%u 32768 1 sector_size:4096", all[i]->below);
		refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "not in the keyring");
		setup();
		all[i]->dm.flags |= DM_INACTIVE_PRESENT_FLAG;
		refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "another table was loaded");
		setup();
		all[i]->dm.length -= 8;
		refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "has room for");
	}
}

Test(disk_check_check, a_change_after_the_first_check_is_HPL13005E)
{
	good();
	snprintf(root->dm.params, sizeof(root->dm.params),
		"aes-xts-plain64 :64:logon:cryptsetup:%s-d1 0 254:2 32768 2 no_read_workqueue sector_size:4096",
		root->uuid);
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "another table than at the first check");
	setup();
	good();
	root->dm.length -= 8;
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "another table than at the first check");
	setup();
	good();
	root->minor = root->dm.minor = root->place_minor = 7;
	replaced("22 1", "22 1 253:7 / / rw - ext4 /dev/mapper/x rw\n");
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "was there at the first check");
}

Test(disk_check_check, a_device_that_grows_while_it_is_open_is_fine)
{
	good();
	data->bytes += 1 << 20;
	good();
}

Test(disk_check_check, another_device_below_is_HPL13005E)
{
	data->node = makedev(254, 99);
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "stands on the device 254:18, 254:99 was opened");
	setup();
	root->node = makedev(254, 99);
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "stands on the device 254:2, 254:99 was opened");
	setup();
	targets[STUB_DATA].device = "/dev/vdz2";
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "the device that was opened is gone");
	setup();
	stub.fails = STUB_DEVICE;
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "the device below its mapping is gone");
}

Test(disk_check_check, a_volume_of_which_nothing_was_said_is_HPL13005E)
{
	targets[STUB_DATA].uuid = "";
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "not known which LUKS volume was opened");
	setup();
	targets[STUB_DATA].cipher = "";
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "was opened with the cipher ''");
	setup();
	targets[STUB_DATA].mapping = "luks-x";
	refused(HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "'luks-x' was opened");
}

/* ---- headers ---- */

Test(disk_check_check, a_header_that_is_gone_is_HPL13012E)
{
	data->header_result = HPL_KERNEL_NO_HEADER;
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "mount point /mnt/data: /dev/vdb2: there is no LUKS2 header");
}

Test(disk_check_check, a_header_of_something_else_is_HPL13012E)
{
	snprintf(data->header.uuid, sizeof(data->header.uuid), "%s", stub_uuids[0]);
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "is of the volume 0f7c1d2e-8a3b-4c5d-9e6f-0123456789a0");
	setup();
	snprintf(data->header.cipher, sizeof(data->header.cipher), "cipher_null-ecb");
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "says cipher_null-ecb");
	setup();
	root->header.sector_size = 512;
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "sectors of 512");
	setup();
	root->header.offset = 4096;
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "data at 4096");
	setup();
	data->header.key_bytes = 32;
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "32 byte key");
}

Test(disk_check_check, another_number_of_key_slots_is_HPL13012E)
{
	data->header.keyslots = 2;
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "has 2 key slots, it had 1");
	setup();
	good();
	root->header.keyslots = 2;
	refused(HPL_MSG_DISKCHECK_HEADER_CHANGED, "/dev/vda2 has 2 key slots, it had 1");
}

/* ---- questions that fail ---- */

Test(disk_check_check, what_cannot_be_told_is_HPL13006E)
{
	static const int bits[] = {STUB_MOUNTS, STUB_PLACE, STUB_MEMBERS, STUB_MAPPING, STUB_HEADER};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bits); i++) {
		stub.fails = bits[i];
		refused(HPL_MSG_DISKCHECK_NOT_POSSIBLE, "the stub fails");
	}
	stub.fails = 0;
	stub.mountinfo = "nonsense\n";
	refused(HPL_MSG_DISKCHECK_NOT_POSSIBLE, "list of mounts");
	stub.mountinfo = stub_mountinfo;
	root->dm.minor = 5;
	refused(HPL_MSG_DISKCHECK_NOT_POSSIBLE, "told of another mapping");
}
