/* SPDX-License-Identifier: Apache-2.0 */
/* The service on the fake bus, with a directory as /sys/class/block and files as disks. What needs
 * a block device (partitions, device-mapper, mount) is tested in a guest: integration/test-storage. */
#include <stdio.h>

#include "bus/fake/fake.h"
#include "runtime/base/file.h"
#include "services/storage/storage.h"
#include "services/storage/tests/files.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_storage *state;
static char base[64];

static void write_file(const char *rel, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", base, rel);
	cr_assert_eq(hpl_file_write(path, text, strlen(text), 0600, NULL), 0, "%s", path);
}

static void add_dir(const char *rel)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", base, rel);
	cr_assert_eq(hpl_mkdir_p(path, 0700, NULL), 0);
}

/* sysfs says 256 MiB; the node has real_size bytes */
static void add_disk(const char *name, uint64_t real_size)
{
	char rel[128], path[256];
	int fd;

	snprintf(rel, sizeof rel, "sys/%s/device", name);
	add_dir(rel);
	snprintf(rel, sizeof rel, "sys/%s/ro", name);
	write_file(rel, "0\n");
	snprintf(rel, sizeof rel, "sys/%s/dev", name);
	write_file(rel, "250:0\n");
	snprintf(rel, sizeof rel, "sys/%s/serial", name);
	write_file(rel, name);
	snprintf(path, sizeof path, "%s/dev/%s", base, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	cr_assert_eq(ftruncate(fd, (off_t)real_size), 0);
	close(fd);
	snprintf(rel, sizeof rel, "sys/%s/size", name); /* last: it is what the service waits for */
	write_file(rel, "524288\n");
}

static void setup(void)
{
	char path[128];

	strcpy(base, "/tmp/hpl-storage-XXXXXX");
	cr_assert(mkdtemp(base));
	add_dir("sys");
	add_dir("dev");
	write_file("mountinfo", "");
	fake = hpl_fake_new("storage");
	snprintf(path, sizeof path, "%s/sys", base);
	hpl_fake_setting(fake, "sys_block", path);
	snprintf(path, sizeof path, "%s/dev", base);
	hpl_fake_setting(fake, "dev", path);
	snprintf(path, sizeof path, "%s/mountinfo", base);
	hpl_fake_setting(fake, "mountinfo", path);
	hpl_fake_setting(fake, "settle_ms", "100");
	state = calloc(1, sizeof *state);
}

static void teardown(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	hpl_storage_clear(state);
	free(state);
	RUN(NULL, "/bin/rm", "-rf", base);
}

TestSuite(storage_service, .init = setup, .fini = teardown, .timeout = 90);

static void begin_waiting(const char *wait_s)
{
	struct hpl_err err = HPL_ERR_NULL;

	hpl_fake_setting(fake, "wait_s", wait_s);
	cr_assert_eq(hpl_service_new(&service, &hpl_storage_def, state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void begin(void)
{
	begin_waiting("1");
}

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

static void send_volume(const char *name, const char *mount, const char *id)
{
	Hpl__Volume v = HPL__VOLUME__INIT;
	Hpl__Volume *list[] = {&v};
	Hpl__VolumesSlice in = HPL__VOLUMES_SLICE__INIT;

	v.name = (char *)name;
	v.mount = (char *)mount;
	v.volume_id = (char *)id;
	in.n_volumes = 1;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_VOLUMES, &in.base);
}

static void send_passphrase(const char *name)
{
	Hpl__VolumePassphrase p = HPL__VOLUME_PASSPHRASE__INIT;
	Hpl__VolumePassphrase *list[] = {&p};
	Hpl__Passphrases in = HPL__PASSPHRASES__INIT;

	p.volume = (char *)name;
	p.passphrase = (ProtobufCBinaryData){16, (uint8_t *)"very-secret-text"};
	in.n_volumes = 1;
	in.volumes = list;
	hpl_fake_send(fake, "luks-passphrase", HPL_TOPIC_LUKS_PASSPHRASES, &in.base);
}

static void send_verified(void)
{
	hpl_fake_send(fake, "signature", HPL_TOPIC_SIGNATURE_VERIFIED, NULL);
}

static void expect_failure(const char *id, const char *in_cause)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_assert_str_eq(ev->message_id, id, "%s %s", ev->message_id, ev->failure->cause);
	cr_assert(strstr(ev->failure->cause, in_cause), "%s", ev->failure->cause);
	cr_assert_null(strstr(ev->failure->cause, "very-secret"));
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_STORAGE_READY), 0);
}

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
