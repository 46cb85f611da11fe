/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a mapping: a good one is accepted, each field that is not what was opened is named. */
#include <criterion/criterion.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "services/disk-check/table.h"

#define UUID "0f7c1d2e-8a3b-4c5d-9e6f-0123456789ab"
#define HEX "0f7c1d2e8a3b4c5d9e6f0123456789ab"
#define KEY ":64:logon:cryptsetup:" UUID "-d0"
#define GOOD "aes-xts-plain64 " KEY " 0 254:18 32768 1 sector_size:4096"

static struct hpl_dm dm;
static struct hpl_opened opened;

static void setup(void)
{
	dm = (struct hpl_dm){.flags = DM_ACTIVE_PRESENT_FLAG, .major = 253, .name = "luks-" UUID,
		.uuid = "CRYPT-LUKS2-" HEX "-luks-" UUID, .targets = 1, .length = 458752,
		.type = "crypt", .params = GOOD};
	opened = (struct hpl_opened){.mapping = "luks-" UUID, .uuid = UUID, .cipher = "aes-xts-plain64",
		.key_bytes = 64, .major = 254, .minor = 18, .device_bytes = (458752ULL + 32768) * 512,
		.data_offset = 32768 * 512, .sector_size = 4096};
}

TestSuite(disk_check_table, .init = setup);

static int judge(struct hpl_err *err)
{
	struct hpl_table t;

	return hpl_table_of(&t, &dm, err) < 0 ? -1 : hpl_table_judge(&dm, &t, &opened, err);
}

static void expect(const char *why)
{
	struct hpl_err err = HPL_ERR_NULL;
	int r = judge(&err);

	if (!why) {
		cr_expect_eq(r, 0, "refused: %s: %s", dm.params, err.text);
		return;
	}
	cr_expect_eq(r, -1, "accepted: %s", dm.params);
	cr_expect(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
	cr_expect_not(strstr(err.text, "00112233"), "a key is told");
}

static void params(const char *text, const char *why)
{
	snprintf(dm.params, sizeof(dm.params), "%s", text);
	expect(why);
}

Test(disk_check_table, what_was_opened_is_accepted)
{
	struct hpl_table t;

	expect(NULL);
	cr_assert_eq(hpl_table_of(&t, &dm, NULL), 0);
	cr_expect(t.key_bytes == 64 && t.major == 254 && t.minor == 18 && t.offset == 32768 &&
		t.iv_offset == 0 && t.sector_size == 4096 && t.options == 0);
	cr_expect_str_eq(t.key, "cryptsetup:" UUID "-d0");
}

Test(disk_check_table, options_that_only_say_who_works_are_accepted)
{
	params("aes-xts-plain64 " KEY " 0 254:18 32768 4 submit_from_crypt_cpus no_read_workqueue "
	       "no_write_workqueue sector_size:4096", NULL);
	params("aes-xts-plain64 " KEY " 0 254:18 32768 2 same_cpu_crypt sector_size:4096", NULL);
}

Test(disk_check_table, sectors_of_512_bytes_have_no_option)
{
	opened.sector_size = 512;
	params("aes-xts-plain64 " KEY " 0 254:18 32768", NULL);
}

Test(disk_check_table, a_root_is_judged_without_offset_and_sector_size)
{
	opened.data_offset = 0;
	opened.sector_size = 0;
	expect(NULL);
}

Test(disk_check_table, wrong_lines)
{
	static const struct {
		const char *line, *why;
	} wrong[] = {
		{"", "not that of a crypt target"},
		{"254:18 0", "not that of a crypt target"},
		{"aes-xts-plain64 " KEY " 0 254:18", "not that of a crypt target"},
		{"cipher_null-ecb " KEY " 0 254:18 32768 1 sector_size:4096", "the cipher 'cipher_null-ecb'"},
		{"cipher_null-ecb - 0 254:18 32768 1 sector_size:4096", "not in the keyring"},
		{"aes-cbc-essiv:sha256 " KEY " 0 254:18 32768 1 sector_size:4096", "the cipher"},
		{"aes-xts-plain " KEY " 0 254:18 32768 1 sector_size:4096", "the cipher"},
		{"capi:xts(aes)-plain64 " KEY " 0 254:18 32768 1 sector_size:4096", "the cipher"},
		{"aes-xts-plain64 001122330011223300112233001122330011223300112233001122330011223300112233"
		 "00112233001122330011223300112233001122330011223300112233 0 254:18 32768 1 sector_size:4096",
			"not in the keyring"},
		{"aes-xts-plain64 - 0 254:18 32768 1 sector_size:4096", "not in the keyring"},
		{"aes-xts-plain64 :64 0 254:18 32768 1 sector_size:4096", "not in the keyring"},
		{"aes-xts-plain64 :x:logon:cryptsetup:" UUID "-d0 0 254:18 32768 1 sector_size:4096",
			"the size of its key"},
		{"aes-xts-plain64 :064:logon:cryptsetup:" UUID "-d0 0 254:18 32768 1 sector_size:4096",
			"the size of its key"},
		{"aes-xts-plain64 :32:logon:cryptsetup:" UUID "-d0 0 254:18 32768 1 sector_size:4096",
			"its key has 32 bytes"},
		{"aes-xts-plain64 :64:user:cryptsetup:" UUID "-d0 0 254:18 32768 1 sector_size:4096",
			"not a logon key"},
		{"aes-xts-plain64 :64:encrypted:cryptsetup:" UUID "-d0 0 254:18 32768 1 sector_size:4096",
			"not a logon key"},
		{"aes-xts-plain64 :64:logon: 0 254:18 32768 1 sector_size:4096", "not a logon key"},
		{"aes-xts-plain64 :64:logon:mine:key 0 254:18 32768 1 sector_size:4096", "another volume"},
		{"aes-xts-plain64 :64:logon:cryptsetup:1f7c1d2e-8a3b-4c5d-9e6f-0123456789ab-d0 0 254:18 32768 "
		 "1 sector_size:4096", "another volume"},
		{"aes-xts-plain64 " KEY "x 0 254:18 32768 1 sector_size:4096", "another volume"},
		{"aes-xts-plain64 :64:logon:cryptsetup:" UUID "-d 0 254:18 32768 1 sector_size:4096",
			"another volume"},
		{"aes-xts-plain64 :64:logon:cryptsetup:" UUID " 0 254:18 32768 1 sector_size:4096",
			"another volume"},
		{"aes-xts-plain64 " KEY " 8 254:18 32768 1 sector_size:4096", "counted from 8"},
		{"aes-xts-plain64 " KEY " -1 254:18 32768 1 sector_size:4096", "no number"},
		{"aes-xts-plain64 " KEY " 99999999999999999999 254:18 32768 1 sector_size:4096", "no number"},
		{"aes-xts-plain64 " KEY " 0 254:19 32768 1 sector_size:4096", "stands on the device 254:19"},
		{"aes-xts-plain64 " KEY " 0 7:18 32768 1 sector_size:4096", "stands on the device 7:18"},
		{"aes-xts-plain64 " KEY " 0 /dev/vdb2 32768 1 sector_size:4096", "not told by its number"},
		{"aes-xts-plain64 " KEY " 0 254: 32768 1 sector_size:4096", "not told by its number"},
		{"aes-xts-plain64 " KEY " 0 254:18:1 32768 1 sector_size:4096", "not told by its number"},
		{"aes-xts-plain64 " KEY " 0 254:18 0 1 sector_size:4096", "begin at byte 0"},
		{"aes-xts-plain64 " KEY " 0 254:18 32760 1 sector_size:4096", "begin at byte"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768x 1 sector_size:4096", "no number"},
		{"aes-xts-plain64 " KEY " 0 254:18 36028797018963968 1 sector_size:4096", "no number"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768", "sectors have 512 bytes"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 1 sector_size:1024", "sectors have 1024 bytes"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 1 sector_size:0", "not one of dm-crypt"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 1 sector_size:3000", "not one of dm-crypt"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 1 sector_size:8192", "not one of dm-crypt"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 2 allow_discards sector_size:4096", "allow_discards"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 2 sector_size:4096 iv_large_sectors",
			"iv_large_sectors"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 2 integrity:16:aead sector_size:4096", "integrity"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 2 sector_size:4096", "number of its options"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 0", "number of its options"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 x sector_size:4096", "number of its options"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 2 sector_size:4096 sector_size:4096", "twice"},
		{"aes-xts-plain64 " KEY " 0 254:18 32768 1  sector_size:4096", "number of its options"},
		{"aes-xts-plain64  " KEY " 0 254:18 32768 1 sector_size:4096", "not in the keyring"},
		{"a b c d e f g h i j k l m n o p q", "too many words"},
	};

	_Static_assert(HPL_ARRAY_SIZE(wrong) >= 30, "each field");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(wrong); i++)
		params(wrong[i].line, wrong[i].why);
}

Test(disk_check_table, a_line_without_end_is_refused)
{
	struct hpl_table t;
	char line[3 * HPL_DM_PARAMS];

	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	cr_expect_eq(hpl_table_parse(&t, line, NULL), -1);
	memset(line, 'a', 200);
	snprintf(line + 200, sizeof(line) - 200, " %s 0 254:18 32768", KEY);
	cr_expect_eq(hpl_table_parse(&t, line, NULL), -1);
}

Test(disk_check_table, another_target_is_refused)
{
	snprintf(dm.type, sizeof(dm.type), "linear");
	params("254:18 32768", "of the kind 'linear'");
	snprintf(dm.type, sizeof(dm.type), "error");
	expect("of the kind 'error'");
}

Test(disk_check_table, not_exactly_one_target_is_refused)
{
	dm.targets = 2;
	expect("2 parts");
	dm.targets = 0;
	expect("0 parts");
}

static void state(uint32_t flags, const char *why)
{
	dm.flags = flags;
	expect(why);
}

Test(disk_check_table, the_state_of_the_mapping_counts)
{
	state(DM_ACTIVE_PRESENT_FLAG | DM_SUSPEND_FLAG, "suspended");
	state(DM_ACTIVE_PRESENT_FLAG | DM_INTERNAL_SUSPEND_FLAG, "suspended");
	state(DM_ACTIVE_PRESENT_FLAG | DM_INACTIVE_PRESENT_FLAG, "another table was loaded");
	state(DM_ACTIVE_PRESENT_FLAG | DM_READONLY_FLAG, "read-only");
	state(0, "no table");
}

Test(disk_check_table, name_and_uuid_of_the_mapping_count)
{
	snprintf(dm.name, sizeof(dm.name), "luks-other");
	expect("on the mapping 'luks-other'");
	setup();
	snprintf(dm.uuid, sizeof(dm.uuid), "CRYPT-LUKS2-" HEX "-other");
	expect("known as");
	snprintf(dm.uuid, sizeof(dm.uuid), "CRYPT-LUKS1-" HEX "-luks-" UUID);
	expect("known as");
	snprintf(dm.uuid, sizeof(dm.uuid), "CRYPT-PLAIN-luks-" UUID);
	expect("known as");
	dm.uuid[0] = 0;
	expect("known as");
	opened.uuid = "";
	expect("not known which LUKS volume");
}

Test(disk_check_table, place_and_size_count)
{
	dm.start = 8;
	expect("does not begin");
	setup();
	dm.length = 0;
	expect("does not begin");
	setup();
	dm.length -= 8;
	expect("sectors, the device has room for 458752");
	setup();
	dm.length += 8;
	expect("sectors, the device has room for 458752");
	setup();
	opened.device_bytes = 32768 * 512;
	expect("ends before its data");
}

Test(disk_check_table, a_device_may_grow_after_the_first_check_but_not_shrink)
{
	opened.later = true;
	opened.device_bytes += 1 << 20;
	expect(NULL);
	opened.device_bytes -= 2 << 20;
	expect("the device has room for");
}

Test(disk_check_table, a_rest_smaller_than_a_sector_is_not_used)
{
	opened.device_bytes += 3584;
	expect(NULL);
}

Test(disk_check_table, what_was_opened_must_itself_be_good)
{
	opened.cipher = "aes-xts-plain";
	params("aes-xts-plain " KEY " 0 254:18 32768 1 sector_size:4096", "was opened with the cipher");
	setup();
	opened.cipher = NULL;
	expect("was opened with the cipher");
	setup();
	opened.key_bytes = 32;
	expect("a key of 32 bytes");
}

/* ---- the answer of the kernel ---- */

static char answer[HPL_DM_ANSWER];

static struct dm_ioctl *fill(void)
{
	struct dm_ioctl *io = (struct dm_ioctl *)answer;
	struct dm_target_spec *spec = (struct dm_target_spec *)(answer + sizeof(*io));

	memset(answer, 0, sizeof(answer));
	io->data_size = sizeof(answer);
	io->data_start = sizeof(*io);
	io->target_count = 1;
	io->flags = DM_ACTIVE_PRESENT_FLAG;
	io->dev = makedev(253, 300);
	strcpy(io->name, "luks-" UUID);
	strcpy(io->uuid, "CRYPT-LUKS2-" HEX "-luks-" UUID);
	spec->length = 458752;
	strcpy(spec->target_type, "crypt");
	strcpy((char *)(spec + 1), GOOD);
	return io;
}

static void malformed(size_t size, const char *why)
{
	struct hpl_dm got;
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_dm_decode(&got, answer, size, &err), -1, "%s", why);
	cr_expect(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
}

Test(disk_check_table, an_answer_is_decoded)
{
	struct hpl_dm got;

	fill();
	cr_assert_eq(hpl_dm_decode(&got, answer, sizeof(answer), NULL), 0);
	cr_expect(got.major == 253 && got.minor == 300 && got.targets == 1 && got.length == 458752);
	cr_expect_str_eq(got.name, dm.name);
	cr_expect_str_eq(got.uuid, dm.uuid);
	cr_expect_str_eq(got.type, "crypt");
	cr_expect_str_eq(got.params, GOOD);
	dm = got;
	expect(NULL);
}

Test(disk_check_table, a_mapping_without_a_table_is_decoded)
{
	struct hpl_dm got;

	fill()->target_count = 0;
	cr_assert_eq(hpl_dm_decode(&got, answer, sizeof(answer), NULL), 0);
	cr_expect(got.targets == 0 && !got.params[0] && !got.type[0]);
}

Test(disk_check_table, malformed_answers_are_refused)
{
	struct dm_ioctl *io = fill();

	malformed(sizeof(*io) - 1, "too short");
	malformed(sizeof(*io), "contradicts");
	io->data_size = sizeof(*io);
	malformed(sizeof(*io), "within a target");
	fill()->data_start = 8;
	malformed(sizeof(answer), "contradicts");
	fill()->data_start = sizeof(answer) + 1;
	malformed(sizeof(answer), "contradicts");
	fill()->data_start = sizeof(answer) - 8;
	malformed(sizeof(answer), "within a target");
	fill()->flags |= DM_BUFFER_FULL_FLAG;
	malformed(sizeof(answer), "too long");
	memset(fill()->name, 'n', sizeof(io->name));
	malformed(sizeof(answer), "no end");
	memset(fill()->uuid, 'n', sizeof(io->uuid));
	malformed(sizeof(answer), "no end");
	fill();
	memset(answer + sizeof(*io) + sizeof(struct dm_target_spec), 'x',
		sizeof(answer) - sizeof(*io) - sizeof(struct dm_target_spec));
	malformed(sizeof(answer), "line of a target has no end");
}

Test(disk_check_table, forms_of_a_uuid)
{
	cr_expect(hpl_table_is_uuid(UUID));
	cr_expect_not(hpl_table_is_uuid(NULL));
	cr_expect_not(hpl_table_is_uuid(""));
	cr_expect_not(hpl_table_is_uuid(HEX));
	cr_expect_not(hpl_table_is_uuid("0F7C1D2E-8a3b-4c5d-9e6f-0123456789ab"));
	cr_expect_not(hpl_table_is_uuid(UUID "0"));
	cr_expect_not(hpl_table_is_uuid("0f7c1d2e-8a3b-4c5d-9e6f-0123456789a/"));
}
