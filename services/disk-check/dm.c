/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/dm.h"

#include <linux/dm-ioctl.h>
#include <sys/sysmacros.h>

#include "runtime/base/secret.h"

void hpl_dm_done(struct hpl_dm *dm)
{
	hpl_wipe(dm, sizeof(*dm));
}

/* A text that must end within max bytes of in; NULL-safe copy of it. */
static int take_text(char *out, size_t size, const char *in, size_t max)
{
	size_t len = strnlen(in, max);

	if (len == max || len >= size)
		return -1;
	memcpy(out, in, len + 1);
	return 0;
}

static int take_target(struct hpl_dm *dm, const char *at, size_t left, struct hpl_err *err)
{
	struct dm_target_spec spec;

	if (left < sizeof(spec))
		return HPL_FAIL(err, 0, 0, "device-mapper: the answer ends within a target");
	memcpy(&spec, at, sizeof(spec));
	dm->start = spec.sector_start;
	dm->length = spec.length;
	/* the type fills its field without a NUL when it is that long */
	memcpy(dm->type, spec.target_type, sizeof(spec.target_type));
	dm->type[sizeof(spec.target_type)] = 0;
	if (take_text(dm->params, sizeof(dm->params), at + sizeof(spec), left - sizeof(spec)) < 0)
		return HPL_FAIL(err, 0, 0, "device-mapper: the line of a target has no end");
	return 0;
}

static int decode(struct hpl_dm *dm, const char *answer, size_t size, struct hpl_err *err)
{
	struct dm_ioctl io;

	if (size < sizeof(io))
		return HPL_FAIL(err, 0, 0, "device-mapper: the answer is too short");
	memcpy(&io, answer, sizeof(io));
	dm->flags = io.flags;
	dm->major = major(io.dev);
	dm->minor = minor(io.dev);
	dm->targets = io.target_count;
	if (io.flags & DM_BUFFER_FULL_FLAG)
		return HPL_FAIL(err, 0, 0, "device-mapper: the table is too long");
	if (io.data_size > size || io.data_start < sizeof(io) - sizeof(io.data) ||
		io.data_start > io.data_size)
		return HPL_FAIL(err, 0, 0, "device-mapper: the answer contradicts itself");
	if (take_text(dm->name, sizeof(dm->name), io.name, sizeof(io.name)) < 0 ||
		take_text(dm->uuid, sizeof(dm->uuid), io.uuid, sizeof(io.uuid)) < 0)
		return HPL_FAIL(err, 0, 0, "device-mapper: a name has no end");
	if (!io.target_count)
		return 0;
	return take_target(dm, answer + io.data_start, io.data_size - io.data_start, err);
}

int hpl_dm_decode(struct hpl_dm *ret, const void *answer, size_t size, struct hpl_err *err)
{
	_cleanup_dm_ struct hpl_dm dm = {0};

	if (decode(&dm, answer, size, err) < 0)
		return -1;
	*ret = dm;
	return 0;
}
