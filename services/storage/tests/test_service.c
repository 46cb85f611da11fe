/* SPDX-License-Identifier: Apache-2.0 */
/* The service on the fake bus, with a directory as /sys/class/block and files as disks. What needs
 * a block device (partitions, device-mapper, mount) is tested in a guest: integration/test-storage. */
#include "services/storage/tests/rig.h"

/* with the real worker, which refuses these disks before it needs device-mapper */
static void setup_service(void)
{
	setup();
	hpl_fake_setting(fake, "worker", HPL_REAL_WORKER);
}

TestSuite(storage_service, .init = setup_service, .fini = teardown, .timeout = 90);

Test(storage_service, no_volume_is_ready_with_HPL07003I)
{
	Hpl__VolumesSlice none = HPL__VOLUMES_SLICE__INIT;
	Hpl__Passphrases nothing = HPL__PASSPHRASES__INIT;

	begin();
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_VOLUMES, &none.base);
	hpl_fake_send(fake, "luks-passphrase", HPL_TOPIC_LUKS_PASSPHRASES, &nothing.base);
	hpl_fake_settle(fake);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_STORAGE_READY), 0, "not before the signature");
	send_verified();
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_STORAGE_READY);
	cr_assert_eq(ev->mounted->n_volumes, 0);
	cr_assert_str_eq(ev->message_id, "HPL07003I");
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

Test(storage_service, a_disk_that_never_comes_is_HPL07019E_after_the_wait)
{
	begin();
	send_passphrase("data"); /* before the volumes: order does not matter */
	send_volume("data", "", "");
	send_verified();
	expect_failure("HPL07019E", "volume data after 1 s");
}

Test(storage_service, an_unreadable_disk_is_HPL07017E_and_stays_as_it_is)
{
	struct stat st;
	char path[128];

	add_disk("vdb", 64 << 20); /* the disk breaks off before its size */
	begin();
	send_volume("data", "/mnt/data", "vdb");
	send_passphrase("data");
	send_verified();
	expect_failure("HPL07017E", "vdb");
	snprintf(path, sizeof path, "%s/dev/vdb", base);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_blocks, 0, "not one block was written");
}

Test(storage_service, two_free_disks_are_HPL07018E_naming_both)
{
	add_disk("vdb", 256 << 20);
	add_disk("vdc", 256 << 20);
	begin();
	send_volume("data", "", "");
	send_passphrase("data");
	send_verified();
	expect_failure("HPL07018E", "/vdc (serial 'vdc', blank)");
}

Test(storage_service, a_mount_point_of_the_guest_is_HPL07022E)
{
	begin();
	send_volume("data", "/usr/lib", "");
	expect_failure("HPL07022E", "/usr/lib");
}

Test(storage_service, a_volume_without_passphrase_is_HPL07013E)
{
	add_disk("data", 256 << 20);
	begin();
	send_volume("data", "", "");
	send_passphrase("other");
	send_verified();
	expect_failure("HPL07013E", "data");
}

Test(storage_service, a_setting_that_is_no_number_is_refused)
{
	hpl_fake_setting(fake, "luks_memory_kb", "lots");
	begin();
	expect_failure("HPL21005E", "luks_memory_kb");
}

Test(storage_service, waiting_is_said_with_what_is_missing_and_a_late_disk_ends_it)
{
	hpl_fake_setting(fake, "first_progress_s", "0");
	begin_waiting("3600");
	send_volume("data", "/mnt/data", "vdb");
	send_passphrase("data");
	send_verified();
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_STORAGE_WAITING);
	cr_assert_str_eq(ev->message_id, "HPL07023I");
	cr_assert_eq(ev->storage_waiting->n_volumes, 1);
	cr_assert_str_eq(ev->storage_waiting->volumes[0], "data");
	cr_assert(ev->storage_waiting->seconds_left > 3500 && ev->storage_waiting->seconds_left <= 3600);
	hpl__event__free_unpacked(ev, NULL);
	/* the hour is not waited for: what is wrong with the disk is said at once */
	add_disk("vdb", 64 << 20);
	expect_failure("HPL07017E", "vdb");
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_STORAGE_WAITING), 1, "the next is due in a minute");
}

Test(storage_service, waiting_is_said_again_at_the_interval)
{
	hpl_fake_setting(fake, "first_progress_s", "0");
	hpl_fake_setting(fake, "progress_s", "1");
	begin_waiting("3600");
	send_volume("data", "/mnt/data", "vdb");
	send_passphrase("data");
	send_verified();
	for (int i = 0; i < 3; i++)
		hpl__event__free_unpacked(hpl_fake_expect(fake, HPL_TOPIC_STORAGE_WAITING), NULL);
	cr_assert_eq(hpl_service_status(service), -1);
}
