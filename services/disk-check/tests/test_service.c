/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bus/fake/fake.h"
#include "runtime/base/file.h"
#include "services/disk-check/disk_check.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_disk_check state;

static void begin(const char *mounts)
{
	char path[] = "/tmp/hpl-mounts-XXXXXX";
	struct hpl_err err = HPL_ERR_NULL;
	int fd = mkstemp(path);

	cr_assert_eq(hpl_write_all(fd, mounts, strlen(mounts), &err), 0);
	close(fd);
	fake = hpl_fake_new("disk-check");
	hpl_fake_setting(fake, "mountinfo", path);
	cr_assert_eq(hpl_service_new(&service, &hpl_disk_check_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void end(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	hpl_disk_check_clear(&state);
}

TestSuite(disk_check_service, .fini = end, .timeout = 90);

Test(disk_check_service, a_root_that_is_not_encrypted_fails_with_HPL13005E)
{
	Hpl__MountedVolumes none = HPL__MOUNTED_VOLUMES__INIT;

	begin("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &none.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_assert_str_eq(ev->message_id, "HPL13005E");
	cr_assert(strstr(ev->failure->cause, "mount point /"), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), 1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_DISK_CHECKED), 0);
}

Test(disk_check_service, nothing_is_said_before_storage_is_ready)
{
	begin("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	hpl_fake_send(fake, "catch", HPL_TOPIC_DISK_CHECK, NULL);
	hpl_fake_settle(fake);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_DISK_CHECKED), 0);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_SERVICE_FAILED), 0);
	cr_assert_eq(hpl_service_status(service), -1);
}
