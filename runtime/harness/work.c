/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking work on libuv's pool threads. */
#include "runtime/harness/internal.h"

struct hpl_work {
	uv_work_t req;
	struct hpl_service *service; /* NULL: dropped */
	int (*work)(void *ud, struct hpl_err *err);
	void (*done)(void *ud, int result, struct hpl_err *err);
	void *ud;
	int result;
	struct hpl_err err;
	struct hpl_work *next;
};

static void on_pool(uv_work_t *req)
{
	struct hpl_work *w = HPL_CONTAINER(req, struct hpl_work, req);

	w->result = w->work(w->ud, &w->err);
}

static void on_done(uv_work_t *req, int status)
{
	struct hpl_work *w = HPL_CONTAINER(req, struct hpl_work, req);

	if (w->service) {
		struct hpl_work **at = &w->service->works;

		while (*at != w)
			at = &(*at)->next;
		*at = w->next;
		if (!w->service->ending)
			w->done(w->ud, w->result, &w->err);
	}
	free(w);
}

int hpl_work_run(struct hpl_service *s, int (*work)(void *ud, struct hpl_err *err),
	void (*done)(void *ud, int result, struct hpl_err *err), void *ud, struct hpl_err *err)
{
	struct hpl_work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return HPL_OOM(err);
	w->service = s;
	w->work = work;
	w->done = done;
	w->ud = ud;
	rc = uv_queue_work(s->loop, &w->req, on_pool, on_done);
	if (rc < 0) {
		free(w);
		return HPL_FAIL(err, 0, -rc, "cannot queue work");
	}
	w->next = s->works;
	s->works = w;
	return 0;
}

void hpl_works_drop(struct hpl_service *s)
{
	for (struct hpl_work *w = s->works; w; w = w->next)
		w->service = NULL;
	s->works = NULL;
}
