/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of the service share: the service on the fake bus, with a directory as /sys/class/block
 * and files as disks. One service at a time. Asserts inside. */
#include <stdio.h>

#include "bus/fake/fake.h"
#include "runtime/base/file.h"
#include "services/storage/storage.h"
#include "services/storage/tests/files.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_storage *state;
static char base[64];

static inline void write_file(const char *rel, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", base, rel);
	cr_assert_eq(hpl_file_write(path, text, strlen(text), 0600, NULL), 0, "%s", path);
}

static inline void add_dir(const char *rel)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", base, rel);
	cr_assert_eq(hpl_mkdir_p(path, 0700, NULL), 0);
}

/* sysfs says 256 MiB; the node has real_size bytes */
static inline void add_disk(const char *name, uint64_t real_size)
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

static inline void setup(void)
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

static inline void teardown(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	hpl_storage_clear(state);
	free(state);
	RUN(NULL, "/bin/rm", "-rf", base);
}

static inline void begin_waiting(const char *wait_s)
{
	struct hpl_err err = HPL_ERR_NULL;

	hpl_fake_setting(fake, "wait_s", wait_s);
	cr_assert_eq(hpl_service_new(&service, &hpl_storage_def, state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static inline void begin(void)
{
	begin_waiting("1");
}

static inline void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

struct wanted {
	const char *name, *mount, *id, *provider;
};

static inline void send_volumes(const struct wanted *w, size_t count)
{
	Hpl__VolumesSlice in = HPL__VOLUMES_SLICE__INIT;
	Hpl__Volume v[8], *list[8];

	cr_assert_leq(count, HPL_ARRAY_SIZE(v));
	for (size_t i = 0; i < count; i++) {
		list[i] = &v[i];
		hpl__volume__init(&v[i]);
		v[i].name = (char *)w[i].name;
		v[i].mount = (char *)w[i].mount;
		v[i].volume_id = (char *)w[i].id;
		if (w[i].provider)
			v[i].provider = (char *)w[i].provider;
	}
	in.n_volumes = count;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_VOLUMES, &in.base);
}

static inline void send_volume(const char *name, const char *mount, const char *id)
{
	send_volumes(&(struct wanted){name, mount, id}, 1);
}

static inline void send_passphrases(const struct wanted *w, size_t count)
{
	Hpl__Passphrases in = HPL__PASSPHRASES__INIT;
	Hpl__VolumePassphrase p[8], *list[8];
	ProtobufCBinaryData mixed[] = {{13, (uint8_t *)"very-secret-2"}, {13, (uint8_t *)"very-secret-3"}};

	cr_assert_leq(count, HPL_ARRAY_SIZE(p));
	for (size_t i = 0; i < count; i++) {
		list[i] = &p[i];
		hpl__volume_passphrase__init(&p[i]);
		p[i].volume = (char *)w[i].name;
		p[i].passphrase = (ProtobufCBinaryData){16, (uint8_t *)"very-secret-text"};
		p[i].previous = (ProtobufCBinaryData){13, (uint8_t *)"very-secret-1"};
		p[i].mixed = mixed;
		p[i].n_mixed = HPL_ARRAY_SIZE(mixed);
	}
	in.n_volumes = count;
	in.volumes = list;
	hpl_fake_send(fake, "luks-passphrase", HPL_TOPIC_LUKS_PASSPHRASES, &in.base);
}

static inline void send_passphrase(const char *name)
{
	send_passphrases(&(struct wanted){name, "", ""}, 1);
}

static inline void send_verified(void)
{
	hpl_fake_send(fake, "signature", HPL_TOPIC_SIGNATURE_VERIFIED, NULL);
}

static inline void expect_failure(const char *id, const char *in_cause)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_assert_str_eq(ev->message_id, id, "%s %s", ev->message_id, ev->failure->cause);
	cr_assert(strstr(ev->failure->cause, in_cause), "%s", ev->failure->cause);
	cr_assert_null(strstr(ev->failure->cause, "very-secret"));
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_STORAGE_READY), 0);
}
