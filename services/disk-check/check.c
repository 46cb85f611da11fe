/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/check.h"

#include <errno.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "services/disk-check/mounts.h"

enum { MOUNTINFO_MAX = 1 << 20, ATTRIBUTE_MAX = 4096 };

static inline void freep(struct crypt_device **cd)
{
	crypt_free(*cd);
}
#define _cleanup_crypt_ HPL_CLEANUP(freep)

static int read_attribute(char *out, size_t size, const struct hpl_check_paths *p,
	const struct hpl_mount *m, const char *name)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[512];

	snprintf(path, sizeof path, "%s/%u:%u/%s", p->sys_dev, m->major, m->minor, name);
	if (hpl_file_read(&b, path, ATTRIBUTE_MAX, NULL) < 0 || !b.data)
		return -1;
	snprintf(out, size, "%.*s", (int)strcspn(b.data, "\n"), b.data);
	return 0;
}

static int not_encrypted(struct hpl_err *err, const char *mount, const char *why)
{
	return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, 0, "mount point %s: %s", mount, why);
}

/* btrfs has an anonymous device number; the source names the device. */
static void resolve_anonymous(struct hpl_mount *m)
{
	struct stat st;

	if (m->major == 0 && m->source[0] == '/' && stat(m->source, &st) == 0 &&
		S_ISBLK(st.st_mode)) {
		m->major = major(st.st_rdev);
		m->minor = minor(st.st_rdev);
	}
}

static int check_mapper(char *name, size_t size, const struct hpl_check_target *t,
	const struct hpl_check_paths *p, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_mount m;
	char uuid[256];

	if (hpl_file_read(&b, p->mountinfo, MOUNTINFO_MAX, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "list of mounts");
	if (hpl_mount_find(&m, b.data, t->mount, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "cannot check");
	resolve_anonymous(&m);
	if (read_attribute(uuid, sizeof uuid, p, &m, "dm/uuid") < 0 ||
		read_attribute(name, size, p, &m, "dm/name") < 0)
		return not_encrypted(err, t->mount, "it is not on a device-mapper device");
	if (strncmp(uuid, "CRYPT-LUKS", 10) != 0)
		return not_encrypted(err, t->mount, "its device-mapper device is not LUKS");
	if (t->mapping && !hpl_streq(t->mapping, name))
		return not_encrypted(err, t->mount, "another mapping than the one that was opened");
	return 0;
}

static int check_table(struct hpl_check_result *r, const char *name,
	const struct hpl_check_target *t, struct hpl_err *err)
{
	_cleanup_crypt_ struct crypt_device *cd = NULL;
	const char *type, *cipher, *device;
	int rc = crypt_init_by_name(&cd, name);

	if (rc < 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, -rc,
			"mount point %s: mapping %s cannot be examined", t->mount, name);
	type = crypt_get_type(cd);
	cipher = crypt_get_cipher(cd);
	device = crypt_get_device_name(cd);
	if (!type || strncmp(type, "LUKS", 4) != 0)
		return not_encrypted(err, t->mount, "its mapping is not LUKS");
	if (!cipher || hpl_streq(cipher, "cipher_null"))
		return not_encrypted(err, t->mount, "its mapping uses no cipher");
	if (!device || (t->device && !hpl_streq(t->device, device)))
		return not_encrypted(err, t->mount,
			"its mapping stands on another device than the one that was opened");
	snprintf(r->device, sizeof r->device, "%s", device);
	return 0;
}

static int check_header(struct hpl_check_result *r, const struct hpl_check_target *t,
	struct hpl_err *err)
{
	_cleanup_crypt_ struct crypt_device *cd = NULL;
	int rc = crypt_init(&cd, r->device);
	int max;

	if (rc == 0)
		rc = crypt_load(cd, CRYPT_LUKS, NULL);
	if (rc < 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, -rc,
			"mount point %s: %s has no LUKS header", t->mount, r->device);
	max = crypt_keyslot_max(crypt_get_type(cd));
	r->keyslots = 0;
	for (int i = 0; i < max; i++) {
		crypt_keyslot_info info = crypt_keyslot_status(cd, i);

		if (info == CRYPT_SLOT_ACTIVE || info == CRYPT_SLOT_ACTIVE_LAST)
			r->keyslots++;
	}
	return 0;
}

int hpl_check_mount(struct hpl_check_result *ret, const struct hpl_check_target *target,
	const struct hpl_check_paths *paths, struct hpl_err *err)
{
	struct hpl_check_result r = {0};
	char name[256];

	if (check_mapper(name, sizeof name, target, paths, err) < 0 ||
		check_table(&r, name, target, err) < 0 || check_header(&r, target, err) < 0)
		return -1;
	*ret = r;
	return 0;
}
