/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/job.h"

#include <stdio.h>

#include "proto/messages.h"

static ProtobufCBinaryData bytes_of(const struct hpl_secret *s)
{
	return s ? (ProtobufCBinaryData){s->len, s->data} : (ProtobufCBinaryData){0};
}

int hpl_job_pack(struct hpl_secret *ret, const struct hpl_volume *v, struct hpl_err *err)
{
	const struct hpl_disk *d = &v->disk;
	Hpl__WorkerCommand c = HPL__WORKER_COMMAND__INIT;
	Hpl__WorkerJob job = HPL__WORKER_JOB__INIT;
	Hpl__WorkerDisk disk = HPL__WORKER_DISK__INIT;
	Hpl__WorkerPart parts[HPL_DISK_PARTS], *list[HPL_DISK_PARTS];
	ProtobufCBinaryData previous[HPL_SECRETS_MAX];

	for (unsigned i = 0; i < d->part_count; i++) {
		list[i] = &parts[i];
		hpl__worker_part__init(&parts[i]);
		parts[i].path = (char *)d->parts[i].path;
		parts[i].label = (char *)d->parts[i].label;
		parts[i].start = d->parts[i].start;
		parts[i].size = d->parts[i].size;
	}
	disk.name = (char *)d->name;
	disk.path = (char *)d->path;
	disk.serial = (char *)d->serial;
	disk.excluded = (char *)d->excluded;
	disk.size = d->size;
	disk.major = d->major;
	disk.minor = d->minor;
	disk.n_parts = d->part_count;
	disk.parts = list;
	disk.kind = d->kind;
	disk.data_blank = d->data_blank;
	disk.table_torn = d->table_torn;
	disk.why = (char *)d->why;
	disk.sequence = d->sequence;
	job.name = (char *)v->name;
	job.mount = (char *)v->mount;
	job.filesystem = (char *)v->filesystem;
	job.disk = &disk;
	job.passphrase = bytes_of(v->passphrase);
	job.previous = previous;
	for (size_t i = 0; v->previous && i < v->previous->count; i++)
		previous[job.n_previous++] = bytes_of(&v->previous->list[i]);
	job.mkfs_dir = (char *)v->mkfs_dir;
	job.root = (char *)v->root;
	job.memory_kb = v->memory_kb;
	job.keyfile = (ProtobufCBinaryData){v->keyfile_len, (uint8_t *)v->keyfile};
	job.keyfile_program = (char *)v->keyfile_tool.program;
	c.what_case = HPL__WORKER_COMMAND__WHAT_JOB;
	c.job = &job;
	return hpl_frame_pack(ret, &c.base, err);
}

int hpl_job_take_disk(struct hpl_disk *d, const Hpl__WorkerDisk *in, struct hpl_err *err)
{
	if (in->n_parts > HPL_DISK_PARTS || in->kind > HPL_DISK_UNREADABLE)
		return HPL_FAIL(err, 0, 0, "%zu partitions, kind %u", in->n_parts, in->kind);
	*d = (struct hpl_disk){.kind = in->kind, .data_blank = in->data_blank, .table_torn = in->table_torn};
	snprintf(d->why, sizeof d->why, "%s", in->why);
	snprintf(d->name, sizeof d->name, "%s", in->name);
	snprintf(d->path, sizeof d->path, "%s", in->path);
	snprintf(d->serial, sizeof d->serial, "%s", in->serial);
	snprintf(d->excluded, sizeof d->excluded, "%s", in->excluded);
	d->size = in->size;
	d->sequence = in->sequence;
	d->major = in->major;
	d->minor = in->minor;
	d->part_count = (unsigned)in->n_parts;
	for (size_t i = 0; i < in->n_parts; i++) {
		struct hpl_disk_part *p = &d->parts[i];

		snprintf(p->path, sizeof p->path, "%s", in->parts[i]->path);
		snprintf(p->label, sizeof p->label, "%s", in->parts[i]->label);
		p->start = in->parts[i]->start;
		p->size = in->parts[i]->size;
	}
	return 0;
}

int hpl_job_pack_go(struct hpl_secret *ret, Hpl__WorkerCommand__WhatCase what, struct hpl_err *err)
{
	Hpl__WorkerCommand c = HPL__WORKER_COMMAND__INIT;

	c.what_case = what;
	if (what == HPL__WORKER_COMMAND__WHAT_MOUNT)
		c.mount = 1;
	else
		c.activate = 1;
	return hpl_frame_pack(ret, &c.base, err);
}

void hpl_job_take_mounted(struct hpl_volume *v, const Hpl__WorkerMounted *in)
{
	snprintf(v->device, sizeof v->device, "%s", in->device);
	snprintf(v->found_fs, sizeof v->found_fs, "%s", in->found_fs);
	snprintf(v->uuid, sizeof v->uuid, "%s", in->uuid);
	snprintf(v->cipher, sizeof v->cipher, "%s", in->cipher);
	v->key_bits = in->key_bits;
	v->sector_size = in->sector_size;
	v->key_slots = in->key_slots;
	v->data_offset = in->data_offset;
	v->created = in->created;
	v->grown = in->grown;
}

int hpl_job_take_failure(const Hpl__WorkerFailure *in, struct hpl_err *err)
{
	bool known = in->msg != HPL_MSG_NONE && in->msg < HPL_MSG__COUNT;

	/* the text of sys is in it already */
	HPL_FAIL(err, known ? in->msg : HPL_MSG_LUKS_UNEXPECTED_ERROR, 0, "%s",
		in->text[0] ? in->text : "its worker gave no reason");
	err->sys = in->sys;
	hpl_err_place(err, "%s", in->place);
	hpl_err_cure(err, "%s", in->cure);
	return -1;
}
