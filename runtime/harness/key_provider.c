/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/harness/key_provider.h"

#include <errno.h>

enum { RETRY_DEFAULT_S = 5 };

struct volume {
	char *name;
	struct hpl_secret parameters;   /* with the credentials of the key service */
	uint32_t timeout_s;
	bool done;
};

struct stored {
	char *volume;
	struct hpl_buf blob;
	bool encrypted;
};

struct hpl_key_provider {
	const struct hpl_key_provider_def *def;
	struct hpl_handler handlers[3];
	struct hpl_service_def service_def;
	struct hpl_service *service;
	uv_timer_t limit, retry;
	bool begun;                     /* the requests have come */
	size_t count, left, stored_count;
	struct volume volumes[HPL_KEY_VOLUMES_MAX];
	struct stored stored[HPL_KEY_VOLUMES_MAX];
	struct volume *current;         /* the one that is asked for */
	struct hpl_key_ask ask;         /* the thread's, while it asks */
	struct hpl_key_answer answer;
	struct hpl_err last;            /* why the last try went wrong */
};

static void advance(struct hpl_key_provider *p);
static void on_retry(uv_timer_t *t);

static void answer_done(struct hpl_key_answer *a)
{
	hpl_secret_done(&a->seed);
	hpl_buf_done(&a->blob);
	*a = (struct hpl_key_answer){.blob = {.wipe = 1}};
}

static void fail(struct hpl_key_provider *p, struct hpl_err *err)
{
	uv_timer_stop(&p->limit);
	uv_timer_stop(&p->retry);
	if (p->current)
		hpl_err_place(err, "contract: env.volumes.%s", p->current->name);
	hpl_service_fail(p->service, NULL, err);
}

static unsigned limit_s(const struct volume *v)
{
	return v->timeout_s ? v->timeout_s : HPL_KEY_ONCE_S;
}

/* ---- the answer ---- */

static int check_answer(const struct hpl_key_answer *a, struct hpl_err *err)
{
	if (a->seed.len == 0 || a->seed.len > HPL_KEY_SEED_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_ANSWER, 0,
			"a seed of %zu bytes, allowed are 1 to %d", a->seed.len, HPL_KEY_SEED_MAX);
	if (a->blob.failed)
		return HPL_OOM(err);
	if (a->blob.len > HPL_KEY_BLOB_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_ANSWER, 0,
			"%zu bytes to be stored, allowed are %d", a->blob.len, HPL_KEY_BLOB_MAX);
	return 0;
}

/* The blob first: storage has it before it can encrypt with the seed. */
static int publish(struct hpl_key_provider *p, struct hpl_err *err)
{
	const struct hpl_key_answer *a = &p->answer;
	Hpl__StoredKey blob = HPL__STORED_KEY__INIT, *blobs[] = {&blob};
	Hpl__StoredKeys stored = HPL__STORED_KEYS__INIT;
	Hpl__KeySeed seed = HPL__KEY_SEED__INIT, *seeds[] = {&seed};
	Hpl__KeySeeds out = HPL__KEY_SEEDS__INIT;

	stored.version = out.version = HPL_KEY_VERSION;
	blob.volume = seed.volume = p->current->name;
	blob.blob = (ProtobufCBinaryData){a->blob.len, (uint8_t *)a->blob.data};
	seed.seed = (ProtobufCBinaryData){a->seed.len, a->seed.data};
	stored.n_volumes = out.n_volumes = 1;
	stored.volumes = blobs;
	out.volumes = seeds;
	if (a->blob.len && hpl_service_publish(p->service, HPL_TOPIC_KEY_STORED, &stored.base,
			HPL_MSG_NONE, err) < 0)
		return -1;
	return hpl_service_publish(p->service, HPL_TOPIC_KEY_SEEDS, &out.base, HPL_MSG_NONE, err);
}

static int deliver(struct hpl_key_provider *p, struct hpl_err *err)
{
	int rc = check_answer(&p->answer, err);

	if (rc == 0)
		rc = publish(p, err);
	answer_done(&p->answer);
	if (rc < 0)
		return -1;
	hpl_log(HPL_SEV_INFO, "third seed of volume '%s' is there", p->current->name);
	hpl_secret_done(&p->current->parameters);
	p->current->done = true;
	p->current = NULL;
	p->left--;
	uv_timer_stop(&p->limit);
	return 0;
}

/* ---- asking ---- */

static int ask_work(void *ud, struct hpl_err *err)
{
	struct hpl_key_provider *p = ud;

	return p->def->ask(&p->ask, &p->answer, err);
}

static void try_later(struct hpl_key_provider *p, const struct hpl_err *why)
{
	unsigned after = p->answer.retry_after_s ? p->answer.retry_after_s : RETRY_DEFAULT_S;
	struct hpl_err err = *why;

	answer_done(&p->answer);
	if (p->current->timeout_s == 0) {
		err.msg = HPL_MSG_STORAGE_KEY_PROVIDER_TIMEOUT;
		fail(p, &err);
		return;
	}
	p->last = err;
	after = after < HPL_KEY_RETRY_MAX_S ? after : HPL_KEY_RETRY_MAX_S;
	hpl_log(HPL_SEV_WARNING, "volume '%s': %s; trying again in %u s", p->current->name, err.text,
		after);
	uv_timer_start(&p->retry, on_retry, after * 1000ULL, 0);
}

static void ask_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_key_provider *p = ud;

	if (result == HPL_KEY_RETRY) {
		try_later(p, err);
		return;
	}
	if (result != 0 && !err->msg)
		err->msg = HPL_MSG_STORAGE_KEY_PROVIDER_FAILED;
	if (result != 0 || deliver(p, err) < 0) {
		answer_done(&p->answer);
		fail(p, err);
		return;
	}
	advance(p);
}

static void ask_now(struct hpl_key_provider *p)
{
	struct hpl_err err = HPL_ERR_NULL;

	answer_done(&p->answer);
	if (hpl_work_run(p->service, ask_work, ask_done, p, &err) < 0)
		fail(p, &err);
}

static void on_retry(uv_timer_t *t)
{
	ask_now(t->data);
}

/* Also for an ask that hangs: it is left to the end of the process. */
static void on_limit(uv_timer_t *t)
{
	struct hpl_key_provider *p = t->data;
	struct hpl_err err = HPL_ERR_NULL;

	HPL_FAIL(&err, HPL_MSG_STORAGE_KEY_PROVIDER_TIMEOUT, 0, "no seed after %u s: %s",
		limit_s(p->current),
		p->last.text[0] ? p->last.text : "the key service has not answered");
	fail(p, &err);
}

static const struct stored *stored_of(const struct hpl_key_provider *p, const char *volume)
{
	for (size_t i = 0; i < p->stored_count; i++)
		if (hpl_streq(p->stored[i].volume, volume))
			return &p->stored[i];
	return NULL;
}

static void begin(struct hpl_key_provider *p, struct volume *v, const struct stored *s)
{
	p->current = v;
	p->last = HPL_ERR_NULL;
	p->ask = (struct hpl_key_ask){.volume = v->name, .parameters = (char *)v->parameters.data,
		.parameters_len = v->parameters.len};
	if (s) {
		p->ask.blob = s->blob.data;
		p->ask.blob_len = s->blob.len;
		p->ask.encrypted = s->encrypted;
	}
	uv_timer_start(&p->limit, on_limit, limit_s(v) * 1000ULL, 0);
	ask_now(p);
}

/* The next volume that can be asked for. */
static void advance(struct hpl_key_provider *p)
{
	if (p->current || !p->begun)
		return;
	if (p->left == 0) {
		hpl_service_done(p->service);
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		const struct stored *s = stored_of(p, p->volumes[i].name);

		if (!p->volumes[i].done && (s || !p->def->stored)) {
			begin(p, &p->volumes[i], s);
			return;
		}
	}
}

/* ---- events ---- */

static int check_version(uint32_t version, struct hpl_err *err)
{
	return version == HPL_KEY_VERSION ? 0 : HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_FAILED, 0,
		"messages of version %u, known is %d", version, HPL_KEY_VERSION);
}

static int on_requests(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_key_provider *p = state;
	const Hpl__KeyRequests *in = ev->key_requests;

	if (check_version(in->version, err) < 0)
		return -1;
	if (p->begun || in->n_volumes > HPL_KEY_VOLUMES_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_FAILED, 0,
			"requests twice, or for more than %d volumes", HPL_KEY_VOLUMES_MAX);
	p->begun = true;
	for (size_t i = 0; i < in->n_volumes; i++) {
		const Hpl__KeyRequest *r = in->volumes[i];
		struct volume *v = &p->volumes[p->count++];

		if (r->parameters.len > HPL_KEY_PARAMETERS_MAX)
			return HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_FAILED, 0,
				"volume '%s' has %zu bytes of parameters, allowed are %d", r->volume,
				r->parameters.len, HPL_KEY_PARAMETERS_MAX);
		v->timeout_s = r->timeout_s;
		v->name = strdup(r->volume);
		if (!v->name)
			return HPL_OOM(err);
		if (hpl_secret_copy(&v->parameters, r->parameters.data, r->parameters.len, err) < 0)
			return -1;
	}
	p->left = p->count;
	advance(p);
	return 0;
}

static int on_stored(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_key_provider *p = state;
	const Hpl__StoredKeys *in = ev->stored_keys;

	if (check_version(in->version, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n_volumes; i++) {
		const Hpl__StoredKey *k = in->volumes[i];
		struct stored *at = &p->stored[p->stored_count];

		if (stored_of(p, k->volume))
			continue; /* a second answer changes nothing: the seed may be made already */
		if (k->blob.len > HPL_KEY_BLOB_MAX || p->stored_count == HPL_KEY_VOLUMES_MAX)
			return HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_FAILED, 0,
				"volume '%s' holds %zu bytes, allowed are %d", k->volume, k->blob.len,
				HPL_KEY_BLOB_MAX);
		at->volume = strdup(k->volume);
		hpl_buf_add(&at->blob, k->blob.data, k->blob.len);
		at->encrypted = k->encrypted;
		p->stored_count++;
		if (!at->volume || at->blob.failed)
			return HPL_OOM(err);
	}
	advance(p);
	return 0;
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_key_provider *p = state;

	p->service = s;
	uv_timer_init(hpl_service_loop(s), &p->limit);
	uv_timer_init(hpl_service_loop(s), &p->retry);
	p->limit.data = p->retry.data = p;
	return 0;
}

/* ---- life ---- */

int hpl_key_provider_new(struct hpl_key_provider **ret, const struct hpl_key_provider_def *def,
	struct hpl_err *err)
{
	struct hpl_key_provider *p = calloc(1, sizeof(*p));

	if (!p)
		return HPL_OOM(err);
	p->def = def;
	p->answer.blob.wipe = 1;
	p->handlers[0] = (struct hpl_handler){def->topic, on_requests};
	p->handlers[1] = (struct hpl_handler){def->stored ? HPL_TOPIC_STORAGE_KEYFILES : NULL, on_stored};
	p->service_def = (struct hpl_service_def){.name = def->name, .handlers = p->handlers,
		.start = start};
	*ret = p;
	return 0;
}

const struct hpl_service_def *hpl_key_provider_service(const struct hpl_key_provider *p)
{
	return &p->service_def;
}

void hpl_key_provider_free(struct hpl_key_provider *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < HPL_KEY_VOLUMES_MAX; i++) {
		hpl_freep(&p->volumes[i].name);
		hpl_secret_done(&p->volumes[i].parameters);
		hpl_freep(&p->stored[i].volume);
		hpl_buf_done(&p->stored[i].blob);
	}
	answer_done(&p->answer);
	free(p);
}

void hpl_key_provider_main(const struct hpl_key_provider_def *def)
{
	struct hpl_key_provider *p = NULL;

	/* not exit(): it would wait for the thread of an ask that hangs */
	if (hpl_key_provider_new(&p, def, NULL) < 0)
		_exit(1);
	_exit(hpl_service_main(&p->service_def, p));
}
