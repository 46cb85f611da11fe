/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/worker.h"

#include <stdio.h>

#include "proto/messages.h"
#include "services/storage/frame.h"
#include "services/storage/job.h"
#include "services/storage/volume.h"

struct worker {
	int in, out;
	Hpl__WorkerCommand *job; /* strings of v point into it */
	struct hpl_secret passphrase;
	struct hpl_secrets previous;
	struct hpl_volume v;
	bool stopped;            /* the pipe has ended */
};

/* ---- the pipe ---- */

static int answer(const struct worker *w, Hpl__WorkerAnswer__WhatCase what, void *value, struct hpl_err *err)
{
	Hpl__WorkerAnswer a = HPL__WORKER_ANSWER__INIT;

	a.what_case = what;
	switch (what) {
	case HPL__WORKER_ANSWER__WHAT_MAPPING:
		a.mapping = value;
		break;
	case HPL__WORKER_ANSWER__WHAT_MOUNTED:
		a.mounted = value;
		break;
	case HPL__WORKER_ANSWER__WHAT_FAILED:
		a.failed = value;
		break;
	default:
		a.opened = 1;
		break;
	}
	return hpl_frame_write(w->out, &a.base, err);
}

static void wipe_command(Hpl__WorkerCommand *c)
{
	if (c->what_case == HPL__WORKER_COMMAND__WHAT_JOB) {
		hpl_wipe(c->job->passphrase.data, c->job->passphrase.len);
		for (size_t i = 0; i < c->job->n_previous; i++)
			hpl_wipe(c->job->previous[i].data, c->job->previous[i].len);
	}
}

/* The next command, which must be this one. -1 also at the end of the pipe: w->stopped. */
static Hpl__WorkerCommand *command(struct worker *w, Hpl__WorkerCommand__WhatCase what,
	struct hpl_err *err)
{
	_cleanup_secret_ struct hpl_secret frame = HPL_SECRET_NULL;
	Hpl__WorkerCommand *c;
	int r = hpl_frame_read(&frame, w->in, err);

	if (r) {
		w->stopped = r == HPL_FRAME_END;
		if (w->stopped)
			HPL_FAIL(err, 0, 0, "told to stop");
		return NULL;
	}
	c = hpl__worker_command__unpack(NULL, frame.len, frame.data);
	if (c && c->what_case == what)
		return c;
	HPL_FAIL(err, 0, 0, "a command that is not expected here");
	if (c) {
		wipe_command(c);
		hpl__worker_command__free_unpacked(c, NULL);
	}
	return NULL;
}

static int obey(struct worker *w, Hpl__WorkerCommand__WhatCase what, struct hpl_err *err)
{
	Hpl__WorkerCommand *c = command(w, what, err);

	if (!c)
		return -1;
	hpl__worker_command__free_unpacked(c, NULL);
	return 0;
}

/* ---- the job ---- */

static int announce(struct hpl_volume *v, struct hpl_err *err)
{
	struct worker *w = v->ud;

	return answer(w, HPL__WORKER_ANSWER__WHAT_MAPPING, v->mapping, err) < 0 ||
		obey(w, HPL__WORKER_COMMAND__WHAT_ACTIVATE, err) < 0 ? -1 : 0;
}

static int take_job(struct worker *w, struct hpl_err *err)
{
	Hpl__WorkerJob *j;
	int r;

	w->job = command(w, HPL__WORKER_COMMAND__WHAT_JOB, err);
	if (!w->job)
		return -1;
	j = w->job->job;
	r = hpl_secret_copy(&w->passphrase, j->passphrase.data, j->passphrase.len, err);
	for (size_t i = 0; r == 0 && i < j->n_previous; i++)
		r = hpl_secrets_add(&w->previous, j->previous[i].data, j->previous[i].len, err);
	wipe_command(w->job);
	if (r < 0)
		return -1;
	if (!j->disk)
		return HPL_FAIL(err, 0, 0, "a job without a disk");
	w->v = (struct hpl_volume){
		.name = j->name,
		.mount = j->mount,
		.filesystem = j->filesystem,
		.passphrase = &w->passphrase,
		.previous = &w->previous,
		.mkfs_dir = j->mkfs_dir,
		.root = j->root,
		.memory_kb = j->memory_kb,
		.keyfile = j->keyfile.data,
		.keyfile_len = j->keyfile.len,
		.keyfile_tool = {j->keyfile_program[0] ? j->keyfile_program : NULL, j->mkfs_dir},
		.announce = announce,
		.ud = w,
	};
	return hpl_job_take_disk(&w->v.disk, j->disk, err);
}

/* ---- the work ---- */

static int tell_mounted(struct worker *w, struct hpl_err *err)
{
	struct hpl_volume *v = &w->v;
	Hpl__WorkerMounted m = HPL__WORKER_MOUNTED__INIT;

	m.device = v->device;
	m.mapping = v->mapping;
	m.found_fs = v->found_fs;
	m.uuid = v->uuid;
	m.cipher = v->cipher;
	m.key_bits = v->key_bits;
	m.sector_size = v->sector_size;
	m.key_slots = v->key_slots;
	m.data_offset = v->data_offset;
	m.created = v->created;
	m.grown = v->grown;
	return answer(w, HPL__WORKER_ANSWER__WHAT_MOUNTED, &m, err);
}

static void tell_failed(const struct worker *w, struct hpl_err *err)
{
	Hpl__WorkerFailure f = HPL__WORKER_FAILURE__INIT;

	if (!err->msg)
		err->msg = HPL_MSG_LUKS_UNEXPECTED_ERROR;
	f.msg = err->msg;
	f.sys = err->sys;
	f.text = err->text;
	f.place = err->place;
	f.cure = err->cure;
	(void)answer(w, HPL__WORKER_ANSWER__WHAT_FAILED, &f, NULL); /* storage sees the end all the same */
}

static int work(struct worker *w, struct hpl_err *err)
{
	struct hpl_opened *o = NULL;
	int r = hpl_volume_open(&o, &w->v, err);

	/* no key is needed any more, and the wait for other volumes may be long */
	hpl_secret_done(&w->passphrase);
	hpl_secrets_done(&w->previous);
	if (r == 0 && (answer(w, HPL__WORKER_ANSWER__WHAT_OPENED, NULL, err) < 0 ||
		obey(w, HPL__WORKER_COMMAND__WHAT_MOUNT, err) < 0 || hpl_volume_mount(o, err) < 0))
		r = -1;
	hpl_volume_close(o);
	return r < 0 ? -1 : tell_mounted(w, err);
}

int hpl_worker_run(int in, int out)
{
	struct worker w = {.in = in, .out = out};
	struct hpl_err err = HPL_ERR_NULL;
	int r = take_job(&w, &err);

	if (r == 0)
		r = work(&w, &err);
	if (r < 0 && !w.stopped)
		tell_failed(&w, &err);
	hpl_secret_done(&w.passphrase);
	hpl_secrets_done(&w.previous);
	if (w.job)
		hpl__worker_command__free_unpacked(w.job, NULL);
	return r < 0 ? HPL_WORKER_FAILED : HPL_WORKER_MOUNTED;
}
