/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"
#include "services/storage/layout.h"
#include "services/storage/tests/files.h"

#define MIB (1ULL << 20)

Test(storage_layout, both_partitions_lie_on_mib_borders_and_leave_room_for_the_second_table)
{
	static const uint64_t sizes[] = {128 * MIB, 128 * MIB + 512, 1000 * MIB + 12345 * 512,
		10737418240ULL, 16ULL << 40};
	struct hpl_layout l;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(sizes); i++) {
		cr_assert_eq(hpl_layout_plan(&l, sizes[i], i % 2 ? 4096 : 512, NULL), 0);
		cr_assert_eq(l.start[0], MIB);
		cr_assert_eq(l.size[0], 100 * MIB);
		cr_assert_eq(l.start[1], 101 * MIB);
		cr_assert_eq(l.size[1] % MIB, 0);
		cr_assert_leq(l.start[1] + l.size[1] + MIB, sizes[i]);
		cr_assert_gt(l.start[1] + l.size[1] + 2 * MIB, sizes[i]);
	}
}

Test(storage_layout, too_small_and_strange_sectors_are_refused)
{
	struct hpl_layout l;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_layout_plan(&l, 100 * MIB, 512, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_CREATING_PARTITIONS_FAILED);
	cr_assert_eq(hpl_layout_plan(&l, 0, 512, NULL), -1);
	cr_assert_eq(hpl_layout_plan(&l, 1024 * MIB, 520, NULL), -1);
	cr_assert_eq(hpl_layout_plan(&l, 1024 * MIB, 0, NULL), -1);
	cr_assert_eq(hpl_layout_plan(&l, 1024 * MIB, 8192, NULL), -1);
}

Test(storage_layout, sgdisk_and_sfdisk_read_what_was_written)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_layout l;
	struct hpl_err err = HPL_ERR_NULL;
	char path[64];
	int fd = make_disk(path, 512 * MIB);

	cr_assert_eq(hpl_layout_plan(&l, 512 * MIB, 512, &err), 0);
	cr_assert_eq(hpl_layout_write(fd, path, &l, &err), 0, "%s", err.text);
	close(fd);
	cr_assert_eq(RUN(&out, "/sbin/sgdisk", "-v", path), 0);
	cr_assert(strstr(out.data, "No problems found"), "%s", out.data);
	hpl_buf_clear(&out);
	cr_assert_eq(RUN(&out, "/sbin/sfdisk", "-d", path), 0);
	cr_assert(strstr(out.data, "start=        2048, size=      204800, "
				   "type=0FC63DAF-8483-4772-8E79-3D69D8477DE4"), "%s", out.data);
	cr_assert(strstr(out.data, "start=      206848, size=      839680, "
				   "type=CA7D7CCB-63ED-4C53-861C-1742536059CC"), "%s", out.data);
	cr_assert(strstr(out.data, "name=\"metadata\""));
	cr_assert(strstr(out.data, "name=\"data\""));
	unlink(path);
}
