/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bus/fake/fake.h"
#include "services/disk-check/disk_check.h"
#include "services/disk-check/tests/stub.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_disk_check state;
static struct stub stub;

static void begin_with(const char *interval)
{
	struct hpl_err err = HPL_ERR_NULL;

	stub_init(&stub);
	state.kernel = stub_kernel(&stub);
	fake = hpl_fake_new("disk-check");
	hpl_fake_setting(fake, "interval_s", interval);
	hpl_fake_setting(fake, "retry_ms", "1");
	cr_assert_eq(hpl_service_new(&service, &hpl_disk_check_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void begin(void)
{
	begin_with("3600");
}

static void end(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	hpl_disk_check_clear(&state);
}

TestSuite(disk_check_service, .fini = end, .timeout = 90);

/* The volumes of the stub, as storage says them. */
static void send_ready(void)
{
	Hpl__MountedVolumes all = HPL__MOUNTED_VOLUMES__INIT;
	Hpl__MountedVolume one[STUB_DISKS], *list[STUB_DISKS];
	char names[STUB_DISKS][64];

	for (int i = STUB_DATA; i < STUB_DISKS; i++) {
		Hpl__MountedVolume *v = list[all.n_volumes++] = &one[i];

		hpl__mounted_volume__init(v);
		snprintf(names[i], sizeof(names[i]), "luks-%s", stub_uuids[i]);
		v->name = (char *)"volume";
		v->mount = (char *)stub_points[i];
		v->device = (char *)stub_paths[i];
		v->mapping = names[i];
		v->uuid = (char *)stub_uuids[i];
		v->cipher = (char *)"aes-xts-plain64";
		v->key_bits = 512;
		v->data_offset = 32768 * 512;
		v->sector_size = 4096;
		v->key_slots = 1;
	}
	all.volumes = list;
	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &all.base);
}

static void expect_checked(void)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_DISK_CHECKED);

	cr_expect_str_eq(ev->message_id, "HPL13001I");
	cr_expect_eq(ev->disk_report->checked, 3);
	cr_expect_eq(ev->disk_report->encrypted, 3);
	hpl__event__free_unpacked(ev, NULL);
}

static void expect_failed(const char *id, const char *why)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, id);
	cr_expect(strstr(ev->failure->cause, why), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), 1);
}

Test(disk_check_service, everything_as_it_was_opened_is_said_to_be_checked)
{
	begin();
	send_ready();
	expect_checked();
	cr_expect_eq(stub.checks, 1);
	cr_expect_eq(hpl_service_status(service), -1);
}

Test(disk_check_service, a_wrong_mapping_at_the_boot_is_the_failure)
{
	begin();
	snprintf(stub.disks[STUB_DATA].dm.type, 17, "linear");
	send_ready();
	expect_failed("HPL13005E", "mount point /mnt/data");
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_DISK_CHECKED), 0);
}

Test(disk_check_service, a_change_is_the_failure_of_a_later_check)
{
	begin_with("1");
	send_ready();
	expect_checked();
	stub.disks[STUB_DATA].header.keyslots = 2;
	expect_failed("HPL13012E", "has 2 key slots, it had 1");
}

Test(disk_check_service, each_interval_there_is_a_check)
{
	begin_with("1");
	send_ready();
	for (int i = 0; i < 3; i++)
		expect_checked();
	cr_expect_geq(stub.checks, 3);
}

Test(disk_check_service, a_disk_that_does_not_answer_does_not_end_the_checks)
{
	int pipes[2];

	begin_with("1");
	cr_assert_eq(pipe(pipes), 0);
	stub.stuck = pipes[0];
	send_ready();
	expect_failed("HPL13006E", "a disk does not answer");
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_DISK_CHECKED), 0);
	close(pipes[1]);
}

Test(disk_check_service, a_request_on_the_bus_is_answered_by_a_check)
{
	begin();
	send_ready();
	expect_checked();
	hpl_fake_send(fake, "attestation", HPL_TOPIC_DISK_CHECK, NULL);
	expect_checked();
	cr_expect_eq(stub.checks, 2);
}

Test(disk_check_service, a_request_finds_what_changed)
{
	begin();
	send_ready();
	expect_checked();
	stub.mountinfo = "22 1 253:0 / / rw - ext4 /dev/mapper/luks-root rw\n";
	stub.disks[STUB_DATA].mount = 22;
	hpl_fake_send(fake, "attestation", HPL_TOPIC_DISK_CHECK, NULL);
	expect_failed("HPL13011E", "nothing is mounted there any more");
}

Test(disk_check_service, a_check_that_could_not_be_made_is_tried_again)
{
	begin();
	stub.fails = STUB_HEADER;
	stub.fail_checks = HPL_CHECK_RETRIES;
	send_ready();
	expect_checked();
	cr_expect_eq(stub.checks, 1 + HPL_CHECK_RETRIES);
	cr_expect_eq(hpl_service_status(service), -1);
}

Test(disk_check_service, a_check_that_can_never_be_made_is_the_failure)
{
	begin();
	stub.fails = STUB_MAPPING;
	send_ready();
	expect_failed("HPL13006E", "the stub fails");
	cr_expect_eq(stub.checks, 1 + HPL_CHECK_RETRIES);
}

Test(disk_check_service, three_requests_in_five_minutes_are_answered)
{
	begin();
	send_ready();
	expect_checked();
	for (int i = 0; i < HPL_CHECK_BURST; i++) {
		hpl_fake_send(fake, "attestation", HPL_TOPIC_DISK_CHECK, NULL);
		expect_checked();
	}
	for (int i = 0; i < 5; i++)
		hpl_fake_send(fake, "attestation", HPL_TOPIC_DISK_CHECK, NULL);
	hpl_fake_settle(fake);
	cr_expect_eq(stub.checks, 1 + HPL_CHECK_BURST);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_DISK_CHECKED), 1 + HPL_CHECK_BURST);
	cr_expect_eq(hpl_service_status(service), -1);
}

Test(disk_check_service, nothing_is_said_before_storage_is_ready)
{
	begin();
	hpl_fake_send(fake, "attestation", HPL_TOPIC_DISK_CHECK, NULL);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_DISK_CHECKED), 0);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_SERVICE_FAILED), 0);
	cr_expect_eq(stub.checks, 0);
	cr_expect_eq(hpl_service_status(service), -1);
}

/* Linux is asked when nobody else is given: this machine's root is no mapping of ours. */
Test(disk_check_service, the_root_of_this_machine_is_the_failure)
{
	Hpl__MountedVolumes none = HPL__MOUNTED_VOLUMES__INIT;
	struct hpl_err err = HPL_ERR_NULL;

	fake = hpl_fake_new("disk-check");
	hpl_fake_setting(fake, "retry_ms", "1");
	cr_assert_eq(hpl_service_new(&service, &hpl_disk_check_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &none.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_expect_eq(strncmp(ev->message_id, "HPL130", 6), 0);
	cr_expect(strstr(ev->failure->cause, "mount point /:"), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
}
