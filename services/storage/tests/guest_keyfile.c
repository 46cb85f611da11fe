/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a virtual machine with real disks: the keyfile of a volume with a key provider. Prints TAP on
 * the console.
 *
 *   keyfile   kept before a blank disk ("kept") is encrypted; replaced when the volume was opened, and only then;
 *             partitions made by hand with a keyfile in them ("hand"); LUKS on the whole disk ("legacy")
 */
#include <libcryptsetup.h>
#include <sys/mount.h>

#include "services/storage/luks.h"
#include "services/storage/tests/guest.h"

#define MOUNT "/mnt/data"
enum { KDF_KB = 8192 };

static const struct hpl_keyfile_tool tool = {"/bin/hpl-storage-keyfile", "/sbin"};
static struct hpl_secret pass, wrong;

static bool left; /* a mapping, when bringing it up had failed */

static void stop(struct hpl_volume *v)
{
	left = !v->found_fs[0] && crypt_status(NULL, v->mapping) == CRYPT_ACTIVE;
	if (v->found_fs[0])
		umount(MOUNT);
	if (crypt_status(NULL, v->mapping) == CRYPT_ACTIVE)
		crypt_deactivate(NULL, v->mapping);
}

/* Up and down again; keyfile "": none. */
static bool run(struct hpl_volume *v, const char *serial, const struct hpl_secret *with, const char *keyfile,
	struct hpl_err *err)
{
	struct hpl_disk *d = disk_named(serial);
	bool up;

	*v = (struct hpl_volume){.name = serial, .mount = MOUNT, .filesystem = "ext4", .passphrase = with,
		.mkfs_dir = "/sbin", .root = "/", .memory_kb = KDF_KB, .keyfile = keyfile,
		.keyfile_len = strlen(keyfile), .keyfile_tool = tool};
	*err = HPL_ERR_NULL;
	if (d)
		v->disk = *d;
	up = d && hpl_volume_bring_up(v, err) == 0;
	stop(v);
	return up;
}

static bool holds(const char *serial, const char *text)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_disk *d = disk_named(serial);
	struct hpl_err err = HPL_ERR_NULL;

	if (!d || hpl_keyfile_get(&got, &tool, d, &err) < 0) {
		printf("# %s\n", err.text);
		return false;
	}
	return got.len == strlen(text) && (!got.len || memcmp(got.data, text, got.len) == 0);
}

static void made_and_opened(void)
{
	struct hpl_volume v;
	struct hpl_err err;

	ok(run(&v, "kept", &pass, "wrapped one", &err) && v.created, "a blank disk becomes a volume", &err);
	ok(holds("kept", "wrapped one"), "its keyfile is there", NULL);
	ok(run(&v, "kept", &pass, "wrapped one", &err) && !v.created, "it opens again", &err);
	ok(!run(&v, "kept", &wrong, "wrapped forged", &err) && err.msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED,
		"with another seed it does not: HPL02003E", &err);
	ok(!left && holds("kept", "wrapped one"), "no mapping is left, and the keyfile is the old one still", NULL);
	ok(run(&v, "kept", &pass, "wrapped two", &err), "opened with a seed that was wrapped again", &err);
	ok(holds("kept", "wrapped two"), "the new keyfile is there", NULL);
	ok(run(&v, "kept", &pass, "", &err) && holds("kept", "wrapped two"),
		"a provider that stores nothing leaves it alone", &err);
}

static void by_hand(void)
{
	struct hpl_volume v;
	struct hpl_err err;

	ok(!run(&v, "hand", &pass, "", &err) && err.msg == HPL_MSG_STORAGE_DEVICE_NOT_BLANK &&
		strstr(err.text, "keyfile of a key service"),
		"a keyfile without key service in the contract is no blank volume: HPL07020E", &err);
	ok(disk_named("hand") && disk_named("hand")->data_blank, "nothing was written", NULL);
	ok(run(&v, "hand", &pass, "wrapped by hand", &err) && v.created, "with it the volume is made", &err);
	ok(holds("hand", "wrapped by hand"), "the keyfile stays", NULL);
	ok(run(&v, "bare", &pass, "", &err) && v.created, "partitions made by hand without any ext4, and no key service",
		&err);
	ok(run(&v, "bare-keyed", &pass, "wrapped", &err) && v.created && holds("bare-keyed", "wrapped"),
		"and with one", &err);
}

static void legacy(void)
{
	struct hpl_volume v;
	struct hpl_err err;

	ok(!run(&v, "legacy", &pass, "wrapped", &err) &&
		err.msg == HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS,
		"LUKS on the whole disk has no place for one: HPL07006E", &err);
	ok(!left, "and no mapping is left", NULL);
}

int main(void)
{
	static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

	if (hpl_secret_copy(&pass, text, strlen(text), NULL) < 0 || hpl_secret_copy(&wrong, "wrong", 5, NULL) < 0)
		return 1;
	made_and_opened();
	by_hand();
	legacy();
	return finish();
}
