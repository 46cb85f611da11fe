/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/plan.h"

#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "services/storage/grow.h"
#include "services/storage/layout.h"
#include "services/storage/prepare.h"

#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

HPL_PRINTF(3, 4)
static void step(struct hpl_plan *p, const char *what, const char *fmt, ...)
{
	struct hpl_plan_step *s = &p->steps[p->count < HPL_PLAN_STEPS ? p->count++ : HPL_PLAN_STEPS - 1];
	va_list ap;

	s->what = what;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
}

static int plan_table(struct hpl_plan *p, const struct hpl_disk *d, uint32_t sector, struct hpl_err *err)
{
	struct hpl_layout l;

	if (d->kind == HPL_DISK_PARTITIONS) {
		step(p, "table", "keep the partitions of %s; the second one is blank", d->path);
		return 0;
	}
	if (hpl_layout_plan(&l, d->size, sector, err) < 0)
		return -1;
	step(p, "table", "%s %s (%llu MiB): GPT with metadata (%llu MiB) and data (%llu MiB)",
		d->kind == HPL_DISK_MAKING ? "go on with the interrupted making of" : "partition", d->path,
		MIB(d->size), MIB(l.size[0]), MIB(l.size[1]));
	return 0;
}

/* What the passphrases say: no word when there are none. */
static int plan_unlock(struct hpl_plan *p, const struct hpl_volume *v, struct hpl_luks *l, struct hpl_err *err)
{
	int now, before;

	if (!v->passphrase || !v->passphrase->len)
		return 0;
	now = hpl_luks_slot_of(l, v->passphrase, err);
	before = now == -EBADMSG ? now : hpl_luks_slot_of_any(l, v->previous, err);
	if (before == -EBADMSG)
		return -1;
	if (now < 0 && before < 0) {
		HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, now == -EPERM ? 0 : -now,
			"no passphrase that was given opens a key slot of %s", l->device);
		hpl_err_cure(err, "give the passphrase that the volume was made with");
		return -1;
	}
	if (now >= 0 && (before < 0 || before == now))
		step(p, "open", "the passphrase opens key slot %d", now);
	else
		step(p, "change", now < 0 ? "a key slot for the passphrase, proved, then the previous one (slot %d) "
			"is removed" : "remove key slot %d of the previous passphrase, which an interrupted "
			"change left", before);
	return 0;
}

static int plan_header(struct hpl_plan *p, const struct hpl_volume *v, struct hpl_luks *l, struct hpl_err *err)
{
	step(p, "open", "open LUKS2 %s on %s, %u key slot%s, sectors of %u bytes", l->area.uuid, l->device,
		l->area.header.keyslots, l->area.header.keyslots == 1 ? "" : "s", l->area.header.sector_size);
	return plan_unlock(p, v, l, err);
}

static int plan_opening(struct hpl_plan *p, const struct hpl_volume *v, struct hpl_luks *l,
	const char *device, uint64_t size, struct hpl_err *err)
{
	int r;

	l->read_only = true;
	if (hpl_luks_init(l, device, size, err) < 0)
		return -1;
	r = hpl_luks_load(l, err);
	if (r < 0)
		return -1;
	if (r || !l->area.header.keyslots)
		return HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0, "%s holds no LUKS2 header with a key "
			"slot", l->device);
	return plan_header(p, v, l, err);
}

/* An interrupted making may have come as far as a key slot: then only its passphrase goes on. What else
 * stands there is looked at by the one who makes. */
static int plan_interrupted(struct hpl_plan *p, const struct hpl_volume *v, bool *ret_opens,
	struct hpl_err *err)
{
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
	const struct hpl_disk *d = &v->disk;
	struct hpl_err ignored = HPL_ERR_NULL;

	*ret_opens = false;
	if (d->kind != HPL_DISK_MAKING || d->part_count != HPL_LAYOUT_PARTS || d->table_torn)
		return 0;
	l.read_only = true;
	if (hpl_luks_init(&l, d->parts[1].path, d->parts[1].size, err) < 0)
		return -1;
	*ret_opens = hpl_luks_load(&l, &ignored) == 0 && l.area.header.keyslots;
	return *ret_opens ? plan_header(p, v, &l, err) : 0;
}

static int plan_making(struct hpl_plan *p, const struct hpl_volume *v, int fd, uint32_t sector,
	struct hpl_err *err)
{
	uint64_t at = hpl_prepare_record_at(&v->disk);
	struct hpl_record record = {0};
	bool opens;

	if ((at && hpl_record_read(&record, fd, at, err) < 0) ||
		hpl_prepare_not_erased(&v->disk, &record, err) < 0 || hpl_prepare_not_another(&v->disk, err) < 0 ||
		plan_table(p, &v->disk, sector, err) < 0)
		return -1;
	step(p, "metadata", "ext4 on the metadata partition, unless a sound one is there");
	if (plan_interrupted(p, v, &opens, err) < 0)
		return -1;
	if (!opens)
		step(p, "luks", "LUKS2 on the data partition: %s, key of %d bits, header of %d MiB; argon2id, "
			"%d passes over %u KiB", HPL_LUKS_CIPHER, HPL_LUKS_KEY_BYTES * 8,
			HPL_LUKS_HEADER_BYTES >> 20, HPL_LUKS_PASSES, v->memory_kb);
	step(p, "filesystem", "%s in it%s", v->filesystem, v->disk.kind == HPL_DISK_MAKING ?
		", unless the interrupted making left a sound one" : "");
	step(p, "mount", "mount it at %s (nodev, nosuid)", v->mount);
	return 0;
}

/* A volume that is there. */
static int plan_existing(struct hpl_plan *p, const struct hpl_volume *v, int fd, uint32_t sector,
	struct hpl_err *err)
{
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
	const struct hpl_disk *d = &v->disk;
	bool whole = d->kind == HPL_DISK_LUKS;
	uint64_t at = hpl_prepare_record_at(d), now = whole ? d->size : d->parts[1].size, size = now;

	if (at && hpl_record_read(&l.record, fd, at, err) < 0)
		return -1;
	l.record_at = at;
	if ((!whole && hpl_grow_size(&size, d, fd, sector, err) < 0) ||
		hpl_prepare_not_shrunk(d, size, &l.record, err) < 0)
		return -1;
	if (d->table_torn)
		step(p, "table", "write the first copy of the partition table again, from the second");
	if (size > now)
		step(p, "table", "the data partition grows from %llu to %llu MiB", MIB(now), MIB(size));
	/* without its first copy the kernel shows no partition that could be looked into */
	if (d->table_torn)
		step(p, "open", "open the LUKS2 volume on it");
	else if (plan_opening(p, v, &l, whole ? d->path : d->parts[1].path, now, err) < 0)
		return -1;
	step(p, "mount", "mount its filesystem at %s (nodev, nosuid)", v->mount);
	if (size > now)
		step(p, "grow", "grow the filesystem");
	return 0;
}

int hpl_plan(struct hpl_plan *ret, const struct hpl_volume *v, int fd, uint32_t sector,
	struct hpl_err *err)
{
	struct hpl_plan p = {0};
	int r = hpl_prepare_judge(v, sector, err);

	if (r == 0)
		r = hpl_prepare_makes(&v->disk) ? plan_making(&p, v, fd, sector, err) :
			plan_existing(&p, v, fd, sector, err);
	if (r < 0)
		return -1;
	*ret = p;
	return 0;
}
