/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a worker gets on its pipe: every answer is whole, the last one is a failure with an
 * id, or the volume was mounted by a job that lies in bounds and means the same when it is packed again.
 * What opens volumes stands here instead of volume.c.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/job.h"
#include "services/storage/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hpl_opened {
	struct hpl_volume *v;
};

static struct hpl_opened opened;
static unsigned open_count; /* of hpl_volume_open() without hpl_volume_close() */
static bool mounted;

static void need(bool truth)
{
	if (!truth)
		abort();
}

#define TERMINATED(text) (memchr((text), 0, sizeof(text)) != NULL)

static void check_disk(const struct hpl_disk *d)
{
	need(d->part_count <= HPL_DISK_PARTS && d->kind <= HPL_DISK_UNREADABLE);
	need(TERMINATED(d->name) && TERMINATED(d->path) && TERMINATED(d->serial) && TERMINATED(d->excluded) &&
		TERMINATED(d->why) && !d->uuid[0] && !d->label[0] && !d->type[0]);
	for (unsigned i = 0; i < d->part_count; i++)
		need(TERMINATED(d->parts[i].path) && TERMINATED(d->parts[i].label));
}

/* The job that would be sent for this volume is the one that came, but for texts that were cut. */
static void check_again(const struct hpl_volume *v)
{
	_cleanup_secret_ struct hpl_secret one = HPL_SECRET_NULL, two = HPL_SECRET_NULL;
	struct hpl_volume again = *v;
	Hpl__WorkerCommand *c;

	need(hpl_job_pack(&one, v, NULL) == 0 && hpl_frame_length(one.data) == one.len - HPL_FRAME_HEAD);
	c = hpl__worker_command__unpack(NULL, one.len - HPL_FRAME_HEAD, one.data + HPL_FRAME_HEAD);
	need(c && c->what_case == HPL__WORKER_COMMAND__WHAT_JOB && c->job->disk);
	need(hpl_job_take_disk(&again.disk, c->job->disk, NULL) == 0);
	need(c->job->passphrase.len == v->passphrase->len && (!v->passphrase->len ||
		memcmp(c->job->passphrase.data, v->passphrase->data, v->passphrase->len) == 0));
	need(c->job->n_previous == v->previous->count);
	for (size_t i = 0; i < v->previous->count; i++)
		need(c->job->previous[i].len == v->previous->list[i].len && memcmp(c->job->previous[i].data,
			v->previous->list[i].data, v->previous->list[i].len) == 0);
	need(hpl_job_pack(&two, &again, NULL) == 0 && one.len == two.len &&
		memcmp(one.data, two.data, one.len) == 0);
	hpl__worker_command__free_unpacked(c, NULL);
}

int hpl_volume_open(struct hpl_opened **ret, struct hpl_volume *v, struct hpl_err *err)
{
	need(v->name && v->mount && v->filesystem && v->mkfs_dir && v->root && v->passphrase && v->previous);
	need(!v->keyfile_len == !v->keyfile);
	need(v->passphrase->data && !v->passphrase->data[v->passphrase->len] && v->previous->count <= HPL_SECRETS_MAX);
	for (size_t i = 0; i < v->previous->count; i++)
		need(v->previous->list[i].data);
	check_disk(&v->disk);
	check_again(v);
	memcpy(v->mapping, "luks-x", 7);
	if (v->announce(v, err) < 0)
		return -1;
	opened.v = v;
	open_count++;
	*ret = &opened;
	return 0;
}

int hpl_volume_mount(struct hpl_opened *o, struct hpl_err *err)
{
	need(o == &opened && open_count == 1 && !mounted && !o->v->passphrase->data && !o->v->previous->count);
	memcpy(o->v->device, o->v->disk.path, sizeof(o->v->disk.path));
	mounted = true;
	return 0;
}

void hpl_volume_close(struct hpl_opened *o)
{
	open_count -= o != NULL;
}

/* Of mapping, opened, mounted each at most once and in this order, failed instead of any. */
static void check_answers(int fd, int status)
{
	int last = 0, r;

	need(lseek(fd, 0, SEEK_SET) == 0);
	for (;;) {
		_cleanup_secret_ struct hpl_secret frame = HPL_SECRET_NULL;
		struct hpl_err err = HPL_ERR_NULL;
		Hpl__WorkerAnswer *a;

		r = hpl_frame_read(&frame, fd, NULL);
		if (r == HPL_FRAME_END)
			break;
		need(r == 0 && last != HPL__WORKER_ANSWER__WHAT_FAILED);
		a = hpl__worker_answer__unpack(NULL, frame.len, frame.data);
		need(a && (int)a->what_case > last);
		last = a->what_case;
		if (last == HPL__WORKER_ANSWER__WHAT_FAILED)
			need(hpl_job_take_failure(a->failed, &err) == -1 && err.msg == a->failed->msg && err.text[0]);
		hpl__worker_answer__free_unpacked(a, NULL);
	}
	need((status == HPL_WORKER_MOUNTED) == (last == HPL__WORKER_ANSWER__WHAT_MOUNTED));
	need((status == HPL_WORKER_MOUNTED) == mounted && open_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	int status;

	need(in >= 0 && out >= 0 && write(in, data, size) == (ssize_t)size && lseek(in, 0, SEEK_SET) == 0);
	mounted = false;
	status = hpl_worker_run(in, out);
	need(status == HPL_WORKER_MOUNTED || status == HPL_WORKER_FAILED);
	check_answers(out, status);
	close(in);
	close(out);
	return 0;
}
