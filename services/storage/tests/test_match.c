/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "proto/messages.h"
#include "services/storage/match.h"

static struct hpl_disk disk(const char *name, const char *serial, enum hpl_disk_kind kind)
{
	struct hpl_disk d = {.kind = kind, .size = 1 << 30};

	snprintf(d.name, sizeof d.name, "%s", name);
	snprintf(d.path, sizeof d.path, "/dev/%s", name);
	snprintf(d.serial, sizeof d.serial, "%s", serial);
	return d;
}

static size_t got[4];
static struct hpl_err err;

#define MATCH(wants, disks, settled)                                                               \
	(err = HPL_ERR_NULL,                                                                       \
		hpl_match(got, wants, HPL_ARRAY_SIZE(wants), disks, HPL_ARRAY_SIZE(disks), settled, \
			&err))

Test(storage_match, volume_id_is_the_serial_the_uuid_or_their_first_20_characters)
{
	struct hpl_disk disks[] = {disk("vdb", "other", HPL_DISK_BLANK),
		disk("vdc", "0787-f1d5cd9d-59f7-4", HPL_DISK_BLANK)};
	struct hpl_want by_prefix[] = {{"data", "0787-f1d5cd9d-59f7-4af3-8bc7-aaaaaaaaaaaa", ""}};
	struct hpl_want by_serial[] = {{"data", "other", ""}};
	struct hpl_want by_uuid[] = {{"data", "5E2B6C3A-0000-4000-8000-000000000001", ""}};

	cr_assert_eq(MATCH(by_prefix, disks, false), 0);
	cr_assert_eq(got[0], 1);
	cr_assert_eq(MATCH(by_serial, disks, false), 0);
	cr_assert_eq(got[0], 0);
	strcpy(disks[0].uuid, "5e2b6c3a-0000-4000-8000-000000000001");
	cr_assert_eq(MATCH(by_uuid, disks, false), 0);
	cr_assert_eq(got[0], 0);
}

Test(storage_match, a_volume_with_an_id_never_takes_another_disk)
{
	struct hpl_disk disks[] = {disk("vdb", "data", HPL_DISK_BLANK)};
	struct hpl_want wants[] = {{"data", "not-here", "data"}};

	cr_assert_eq(MATCH(wants, disks, true), HPL_MATCH_WAIT);
	cr_assert_eq(got[0], HPL_MATCH_NONE);
}

Test(storage_match, name_and_key_are_serial_or_label)
{
	struct hpl_disk disks[] = {disk("vdb", "", HPL_DISK_PARTITIONS),
		disk("vdc", "logs", HPL_DISK_BLANK)};
	struct hpl_want wants[] = {{"logs", "", ""}, {"x", "", "big-one"}};

	strcpy(disks[0].label, "big-one");
	cr_assert_eq(MATCH(wants, disks, false), 0);
	cr_assert_eq(got[0], 1);
	cr_assert_eq(got[1], 0);
}

Test(storage_match, one_volume_and_one_free_disk_belong_together_once_settled)
{
	struct hpl_disk disks[] = {disk("vda", "", HPL_DISK_UNKNOWN), disk("vdb", "", HPL_DISK_BLANK),
		disk("vdc", "", HPL_DISK_UNKNOWN)};
	struct hpl_want wants[] = {{"data", "", ""}};

	strcpy(disks[0].excluded, "it is the boot disk");
	strcpy(disks[2].excluded, "it is read-only");
	cr_assert_eq(MATCH(wants, disks, false), HPL_MATCH_WAIT);
	cr_assert_eq(MATCH(wants, disks, true), 0);
	cr_assert_eq(got[0], 1);
}

/* The volume's own disk, in a bad state, and a blank one: the workload would start on an empty volume. */
Test(storage_match, a_blank_disk_does_not_replace_one_that_cannot_be_used)
{
	static const enum hpl_disk_kind bad[] = {HPL_DISK_OTHER, HPL_DISK_COUNT, HPL_DISK_SHRUNK},
		made[] = {HPL_DISK_BLANK, HPL_DISK_MAKING, HPL_DISK_PARTITIONS};
	struct hpl_want wants[] = {{"data", "", ""}}, two[] = {{"logs", "", ""}, {"data", "", ""}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++)
		for (size_t k = 0; k < HPL_ARRAY_SIZE(made); k++) {
			struct hpl_disk disks[] = {disk("vdb", "own", bad[i]), disk("vdc", "new", made[k])};

			disks[1].data_blank = true;
			cr_assert_eq(MATCH(wants, disks, true), -1);
			cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_AMBIGUOUS);
			cr_assert(strstr(err.text, "/dev/vdb") && strstr(err.text, "/dev/vdc"), "%s", err.text);
		}
	struct hpl_disk late[] = {disk("vdb", "own", HPL_DISK_UNREADABLE), disk("vdc", "new", HPL_DISK_BLANK)};
	cr_assert_eq(MATCH(wants, late, true), HPL_MATCH_WAIT);
	cr_assert_eq(got[0], HPL_MATCH_NONE);
	strcpy(late[0].excluded, "it cannot be opened yet: No such device or address");
	cr_assert_eq(MATCH(wants, late, true), HPL_MATCH_WAIT);
	struct hpl_disk locked[] = {disk("vdb", "data", HPL_DISK_UNKNOWN), disk("vdc", "new", HPL_DISK_BLANK)};
	strcpy(locked[0].excluded, "it is read-only");
	cr_assert_eq(MATCH(wants, locked, true), -1);
	cr_assert(strstr(err.text, "it is read-only"), "%s", err.text);
	struct hpl_disk volume[] = {disk("vdb", "", HPL_DISK_OTHER), disk("vdc", "", HPL_DISK_LUKS)};
	cr_assert_eq(MATCH(wants, volume, true), 0, "a volume that is there is only opened");
	struct hpl_disk taken[] = {disk("vdb", "logs", HPL_DISK_OTHER), disk("vdc", "", HPL_DISK_BLANK)};
	cr_assert_eq(MATCH(two, taken, true), 0, "the other one has its volume");
}

Test(storage_match, a_label_that_was_cut_is_known)
{
	struct hpl_want wants[] = {{"a-name-of-a-volume-with-more-than-forty-seven-characters", "", ""}};
	struct hpl_disk disks[] = {disk("vdb", "", HPL_DISK_PARTITIONS), disk("vdc", "", HPL_DISK_PARTITIONS)};

	snprintf(disks[1].label, 48, "%s", wants[0].name);
	cr_assert_eq(MATCH(wants, disks, false), 0, "%s", err.text);
	cr_assert_eq(got[0], 1);
}

Test(storage_match, several_free_disks_are_refused_and_named)
{
	struct hpl_disk disks[] = {disk("vdb", "s1", HPL_DISK_BLANK),
		disk("vdc", "s2", HPL_DISK_LUKS)};
	struct hpl_want wants[] = {{"data", "", ""}};

	cr_assert_eq(MATCH(wants, disks, true), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_AMBIGUOUS);
	cr_assert(strstr(err.text, "/dev/vdb") && strstr(err.text, "/dev/vdc"), "%s", err.text);
	cr_assert(strstr(err.place, "env.volumes.data"));
}

Test(storage_match, two_disks_with_one_label_are_refused)
{
	struct hpl_disk disks[] = {disk("vdb", "data", HPL_DISK_PARTITIONS),
		disk("vdc", "", HPL_DISK_PARTITIONS)};
	struct hpl_want wants[] = {{"data", "", ""}};

	strcpy(disks[1].label, "data");
	cr_assert_eq(MATCH(wants, disks, true), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_AMBIGUOUS);
}

Test(storage_match, one_disk_for_two_volumes_is_refused)
{
	struct hpl_disk disks[] = {disk("vdb", "s", HPL_DISK_BLANK)};
	struct hpl_want wants[] = {{"a", "s", ""}, {"b", "s", ""}};

	cr_assert_eq(MATCH(wants, disks, true), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_AMBIGUOUS);
}

Test(storage_match, order_of_devices_does_not_matter)
{
	struct hpl_disk one = disk("vdb", "a", HPL_DISK_BLANK), two = disk("vdc", "b", HPL_DISK_BLANK);
	struct hpl_disk forth[] = {one, two}, back[] = {two, one};
	struct hpl_want wants[] = {{"a", "", ""}, {"b", "", ""}};

	cr_assert_eq(MATCH(wants, forth, false), 0);
	cr_assert(got[0] == 0 && got[1] == 1);
	cr_assert_eq(MATCH(wants, back, false), 0);
	cr_assert(got[0] == 1 && got[1] == 0);
}

Test(storage_match, fewer_disks_than_volumes_wait)
{
	struct hpl_disk disks[] = {disk("vdb", "", HPL_DISK_BLANK)};
	struct hpl_want wants[] = {{"a", "", ""}, {"b", "", ""}};

	cr_assert_eq(MATCH(wants, disks, true), HPL_MATCH_WAIT);
}

Test(storage_match, excluded_disks_match_nothing_even_by_name)
{
	struct hpl_disk disks[] = {disk("vda", "data", HPL_DISK_BLANK)};
	struct hpl_want wants[] = {{"data", "", ""}}, by_id[] = {{"x", "data", ""}};

	strcpy(disks[0].excluded, "it is the boot disk");
	cr_assert_eq(MATCH(wants, disks, true), HPL_MATCH_WAIT);
	cr_assert_eq(MATCH(by_id, disks, true), HPL_MATCH_WAIT);
}
