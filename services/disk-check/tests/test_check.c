/* SPDX-License-Identifier: Apache-2.0 */
/* What is not encrypted is never said to be. The good case needs device-mapper: guest_disk_check.c */
#include <criterion/criterion.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "services/disk-check/check.h"

static char base[64], mountinfo[128], sys_dev[128];
static struct hpl_check_paths paths = {mountinfo, sys_dev};

static void setup(void)
{
	strcpy(base, "/tmp/hpl-check-XXXXXX");
	cr_assert(mkdtemp(base));
	snprintf(mountinfo, sizeof mountinfo, "%s/mountinfo", base);
	snprintf(sys_dev, sizeof sys_dev, "%s/dev", base);
}

TestSuite(disk_check_check, .init = setup);

static void mounts(const char *text)
{
	cr_assert_eq(hpl_file_write(mountinfo, text, strlen(text), 0600, NULL), 0);
}

static void mapper(const char *name, const char *uuid)
{
	char path[256];

	snprintf(path, sizeof path, "%s/253:0/dm", sys_dev);
	cr_assert_eq(hpl_mkdir_p(path, 0700, NULL), 0);
	snprintf(path, sizeof path, "%s/253:0/dm/name", sys_dev);
	cr_assert_eq(hpl_file_write(path, name, strlen(name), 0600, NULL), 0);
	snprintf(path, sizeof path, "%s/253:0/dm/uuid", sys_dev);
	cr_assert_eq(hpl_file_write(path, uuid, strlen(uuid), 0600, NULL), 0);
}

static void refused(const struct hpl_check_target *t, uint32_t msg, const char *why)
{
	struct hpl_check_result r;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_check_mount(&r, t, &paths, &err), -1);
	cr_assert_eq(err.msg, msg, "%s", err.text);
	cr_assert(strstr(err.text, why), "%s", err.text);
}

static const struct hpl_check_target root = {"/", NULL, NULL};

Test(disk_check_check, no_list_of_mounts_is_HPL13006E)
{
	refused(&root, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "list of mounts");
}

Test(disk_check_check, a_plain_disk_is_HPL13005E)
{
	mounts("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	refused(&root, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "not on a device-mapper device");
}

Test(disk_check_check, a_volume_that_is_no_longer_mounted_is_HPL13005E)
{
	struct hpl_check_target t = {"/mnt/data", "/dev/vdb2", "luks-x"};

	mounts("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	refused(&t, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "nothing is mounted at /mnt/data");
}

Test(disk_check_check, another_kind_of_mapper_device_is_HPL13005E)
{
	mounts("22 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n");
	mapper("vg-root\n", "LVM-0123456789\n");
	refused(&root, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "not LUKS");
	mapper("plain\n", "CRYPT-PLAIN-plain\n");
	refused(&root, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "not LUKS");
}

Test(disk_check_check, another_mapping_than_the_opened_one_is_HPL13005E)
{
	struct hpl_check_target t = {"/", "/dev/vdb2", "luks-a"};

	mounts("22 1 253:0 / / rw - ext4 /dev/mapper/luks-b rw\n");
	mapper("luks-b\n", "CRYPT-LUKS2-0-luks-b\n");
	refused(&t, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "another mapping");
}

Test(disk_check_check, a_name_without_a_mapping_behind_it_is_HPL13005E)
{
	mounts("22 1 253:0 / / rw - ext4 /dev/mapper/hpl-no-such-mapping rw\n");
	mapper("hpl-no-such-mapping\n", "CRYPT-LUKS2-0-x\n");
	refused(&root, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "cannot be examined");
}
