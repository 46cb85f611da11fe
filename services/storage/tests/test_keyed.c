/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes with a key provider: what the service publishes of the disks, and what its workers get. The disks are
 * files with real tables, filesystems and LUKS headers; the workers are stubs. */
#include "runtime/base/key_limits.h"
#include "services/storage/keyfile_fs.h"
#include "services/storage/layout.h"
#include "services/storage/tests/rig.h"

enum { MIB = 1 << 20, BLOCK = 4096 };

static void setup_keyed(void)
{
	setup();
	hpl_fake_setting(fake, "root", base);
	hpl_fake_setting(fake, "worker", HPL_STUB_WORKER);
	hpl_fake_setting(fake, "keyfile_program", HPL_KEYFILE_PROGRAM);
}

TestSuite(storage_keyed, .init = setup_keyed, .fini = teardown, .timeout = 90);

/* ---- disks ---- */

static void copy_into(const char *from, const char *disk, uint64_t at)
{
	static const char zeros[BLOCK];
	char path[128], block[BLOCK];
	int in = open(from, O_RDONLY), out;

	snprintf(path, sizeof path, "%s/dev/%s", base, disk);
	out = open(path, O_RDWR);
	cr_assert(in >= 0 && out >= 0);
	for (off_t done = 0; read(in, block, BLOCK) == BLOCK; done += BLOCK)
		if (memcmp(block, zeros, BLOCK) != 0)
			put(out, at + (uint64_t)done, block, BLOCK);
	close(in);
	close(out);
	unlink(from);
}

static void add_part(const char *disk, int number, uint64_t start, uint64_t size)
{
	char dir[64], rel[128], text[32];

	snprintf(dir, sizeof dir, "sys/%s/%s%d", disk, disk, number);
	add_dir(dir);
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {{"partition", (uint64_t)number}, {"start", start / 512}, {"size", size / 512}};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(all); i++) {
		snprintf(rel, sizeof rel, "%s/%s", dir, all[i].name);
		snprintf(text, sizeof text, "%llu\n", (unsigned long long)all[i].value);
		write_file(rel, text);
	}
}

static void make_luks(const char *disk, uint64_t at)
{
	char from[64];
	int fd = make_disk(from, 20 * MIB);
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf",
		"pbkdf2", "--pbkdf-force-iterations", "1000", from, "-", NULL};

	cr_assert_eq(run_program(NULL, argv, "very-secret-text"), 0);
	close(fd);
	copy_into(from, disk, at);
}

/* Two partitions; keyfile NULL: there is no ext4 in the first one. */
static void add_volume_disk(const char *name, const char *keyfile, bool encrypted)
{
	char path[128], from[64];
	struct hpl_layout l;
	int fd;

	add_disk(name, 256 * MIB);
	snprintf(path, sizeof path, "%s/dev/%s", base, name);
	fd = open(path, O_RDWR);
	cr_assert_eq(hpl_layout_plan(&l, 256 * MIB, 512, NULL), 0);
	cr_assert_eq(hpl_layout_write(fd, path, &l, NULL), 0);
	close(fd);
	for (int i = 0; i < 2; i++)
		add_part(name, i + 1, l.start[i], l.size[i]);
	if (keyfile) {
		fd = make_disk(from, l.size[0]);
		cr_assert_eq(RUN(NULL, "/sbin/mkfs.ext4", "-q", "-F", from), 0);
		if (keyfile[0])
			cr_assert_eq(hpl_keyfile_fs_write(fd, keyfile, strlen(keyfile), NULL), 0);
		close(fd);
		copy_into(from, name, l.start[0]);
	}
	if (encrypted)
		make_luks(name, l.start[1]);
}

/* ---- messages ---- */

static void send_stored(const char *from, uint32_t version, const char *volume, const char *blob)
{
	Hpl__StoredKeys in = HPL__STORED_KEYS__INIT;
	Hpl__StoredKey k = HPL__STORED_KEY__INIT, *list[] = {&k, &k};

	in.version = version;
	k.volume = (char *)volume;
	k.blob = (ProtobufCBinaryData){strlen(blob), (uint8_t *)blob};
	in.n_volumes = 1;
	in.volumes = list;
	hpl_fake_send(fake, from, HPL_TOPIC_KEY_STORED, &in.base);
}

static void begin_with(const struct wanted *w, size_t count)
{
	begin_waiting("60");
	send_volumes(w, count);
	send_verified();
}

static void expect_keyfile(const char *volume, const char *blob, bool encrypted)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_STORAGE_KEYFILES);
	const Hpl__StoredKey *k = ev->stored_keys->volumes[0];

	cr_assert_eq(ev->stored_keys->version, HPL_KEY_VERSION);
	cr_assert_eq(ev->stored_keys->n_volumes, 1);
	cr_expect_str_eq(k->volume, volume);
	cr_expect_eq(k->blob.len, strlen(blob));
	cr_expect_eq(memcmp(k->blob.data ? k->blob.data : (uint8_t *)"", blob, strlen(blob)), 0);
	cr_expect_eq(k->encrypted, encrypted);
	hpl__event__free_unpacked(ev, NULL);
}

/* What the worker of a volume was told to keep. */
static void expect_kept(const char *volume, const char *blob)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	char path[128];

	snprintf(path, sizeof path, "%s/keyfile-%s", base, volume);
	cr_assert_eq(hpl_file_read(&got, path, HPL_KEY_BLOB_MAX, NULL), 0);
	cr_assert_eq(got.len, strlen(blob));
	cr_assert_eq(memcmp(got.data ? got.data : "", blob, got.len), 0);
}

static void expect_ready(void)
{
	hpl__event__free_unpacked(hpl_fake_expect(fake, HPL_TOPIC_STORAGE_READY), NULL);
	wait_end(0);
}

static const struct wanted good[] = {{"good-a", "/mnt/a", "vdb", "key-kms"}};

Test(storage_keyed, a_blank_disk_holds_nothing_and_its_worker_gets_what_the_provider_stores)
{
	add_disk("vdb", 256 * MIB);
	begin_with(good, 1);
	expect_keyfile("good-a", "", false);
	hpl_fake_settle(fake);
	cr_assert_eq(hpl_service_status(service), -1, "no passphrase yet");
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "wrapped-1");
	send_passphrases(good, 1);
	expect_ready();
	expect_kept("good-a", "wrapped-1");
}

Test(storage_keyed, the_keyfile_of_a_disk_is_published_and_goes_to_the_worker_when_it_stays)
{
	add_volume_disk("vdb", "wrapped-before", true);
	begin_with(good, 1);
	expect_keyfile("good-a", "wrapped-before", true);
	send_passphrases(good, 1);
	expect_ready();
	expect_kept("good-a", "wrapped-before");
}

Test(storage_keyed, a_new_one_replaces_it)
{
	add_volume_disk("vdb", "wrapped-before", true);
	begin_with(good, 1);
	expect_keyfile("good-a", "wrapped-before", true);
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "wrapped-again");
	send_passphrases(good, 1);
	expect_ready();
	expect_kept("good-a", "wrapped-again");
}

Test(storage_keyed, a_volume_that_exists_without_keyfile_is_told_as_such)
{
	add_volume_disk("vdb", "", true);
	begin_with(good, 1);
	expect_keyfile("good-a", "", true);
}

Test(storage_keyed, a_keyfile_put_there_by_hand_before_the_first_boot_is_published)
{
	add_volume_disk("vdb", "by hand", false);
	begin_with(good, 1);
	expect_keyfile("good-a", "by hand", false);
}

Test(storage_keyed, what_is_stored_before_the_volumes_are_known_is_HPL07029E)
{
	add_disk("vdb", 256 * MIB);
	begin_waiting("60");
	send_passphrases(good, 1);
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "too early");
	expect_failure("HPL07029E", "a volume that is not its own");
}

Test(storage_keyed, a_provider_that_does_not_wait_is_fine)
{
	add_disk("vdb", 256 * MIB);
	begin_waiting("60");
	send_volumes(good, 1);
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "unasked");
	send_passphrases(good, 1);
	send_verified();
	expect_keyfile("good-a", "", false);
	expect_ready();
	expect_kept("good-a", "unasked");
}

Test(storage_keyed, volumes_of_two_seeds_are_not_told_of)
{
	static const struct wanted both[] = {
		{"good-a", "/mnt/a", "vdb", "key-kms"}, {"good-b", "/mnt/b", "vdc", NULL}};

	add_disk("vdb", 256 * MIB);
	add_disk("vdc", 256 * MIB);
	begin_with(both, 2);
	expect_keyfile("good-a", "", false);
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "mine");
	send_passphrases(both, 2);
	expect_ready();
	expect_kept("good-a", "mine");
	expect_kept("good-b", "");
}

Test(storage_keyed, without_providers_no_keyfile_is_read)
{
	static const struct wanted plain[] = {{"good-a", "/mnt/a", "vdb", NULL}};

	add_volume_disk("vdb", "left alone", true);
	begin_with(plain, 1);
	send_passphrases(plain, 1);
	expect_ready();
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_STORAGE_KEYFILES), 0);
	expect_kept("good-a", "");
}

/* ---- refused ---- */

Test(storage_keyed, a_disk_that_is_LUKS_as_a_whole_is_HPL07006E)
{
	add_disk("vdb", 256 * MIB);
	make_luks("vdb", 0);
	begin_with(good, 1);
	expect_failure("HPL07006E", "is LUKS as a whole");
}

Test(storage_keyed, a_volume_whose_metadata_cannot_be_read_is_HPL07008E)
{
	add_volume_disk("vdb", NULL, true);
	begin_with(good, 1);
	expect_failure("HPL07008E", "volume 'good-a': the metadata partition of ");
}

static void wrong(const char *from, uint32_t version, const char *volume, const char *blob, const char *cause)
{
	add_disk("vdb", 256 * MIB);
	begin_with(good, 1);
	expect_keyfile("good-a", "", false);
	send_stored(from, version, volume, blob);
	expect_failure("HPL07029E", cause);
}

Test(storage_keyed, another_version_is_HPL07029E)
{
	wrong("key-kms", 2, "good-a", "x", "a version that is not known here");
}

Test(storage_keyed, the_volume_of_another_provider_is_HPL07029E)
{
	wrong("key-grep11", HPL_KEY_VERSION, "good-a", "x", "a volume that is not its own");
}

Test(storage_keyed, an_empty_blob_is_HPL07029E)
{
	wrong("key-kms", HPL_KEY_VERSION, "good-a", "", "a blob outside of the limits");
}

Test(storage_keyed, a_blob_that_is_too_long_is_HPL07029E)
{
	static char blob[HPL_KEY_BLOB_MAX + 2];

	memset(blob, 'x', sizeof blob - 1);
	wrong("key-kms", HPL_KEY_VERSION, "good-a", blob, "a blob outside of the limits");
}

Test(storage_keyed, the_same_volume_twice_is_HPL07029E)
{
	add_disk("vdb", 256 * MIB);
	begin_with(good, 1);
	expect_keyfile("good-a", "", false);
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "one");
	send_stored("key-kms", HPL_KEY_VERSION, "good-a", "two");
	expect_failure("HPL07029E", "the same volume twice");
}
