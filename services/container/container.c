/* SPDX-License-Identifier: Apache-2.0 */
#include "services/container/container.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/base/secret.h"

#define TAG "hpcr-container"
#define TAG_PLAY "hpcr-container-play"

static const struct {
	const char *topic;
	enum hpl_container_gate gate;
} gates[] = {
	{HPL_TOPIC_CONTRACT_VALID, HPL_GATE_VALID},
	{HPL_TOPIC_SIGNATURE_VERIFIED, HPL_GATE_SIGNATURE},
	{HPL_TOPIC_STORAGE_READY, HPL_GATE_STORAGE},
	{HPL_TOPIC_IMAGE_VERIFIED, HPL_GATE_IMAGE},
	{HPL_TOPIC_REGISTRY_READY, HPL_GATE_REGISTRY},
	{HPL_TOPIC_ATTESTATION_READY, HPL_GATE_ATTESTATION},
	{HPL_TOPIC_CONTRACT_WORKLOAD, HPL_GATE_WORKLOAD},
};

const char *hpl_container_tag_of(const struct hpl_container *c)
{
	return c->is_compose ? TAG : TAG_PLAY;
}

static void wipe_bytes(ProtobufCBinaryData *b)
{
	if (b->data)
		hpl_wipe(b->data, b->len);
}

static void forget_workload(struct hpl_container *c)
{
	Hpl__WorkloadSlice *w = TAKE(c->workload);

	if (!w)
		return;
	for (size_t i = 0; i < w->n_env; i++)
		wipe_bytes(&w->env[i]->value);
	for (size_t i = 0; i < w->n_resources; i++)
		wipe_bytes(&w->resources[i]);
	for (size_t i = 0; i < w->n_templates; i++)
		wipe_bytes(&w->templates[i]);
	wipe_bytes(&w->compose_archive);
	wipe_bytes(&w->play_archive);
	hpl__workload_slice__free_unpacked(w, NULL);
}

void hpl_container_done(struct hpl_container *c)
{
	forget_workload(c);
	hpl_follow_free(TAKE(c->follow));
	hpl_container_list_done(&c->list);
	for (size_t i = 0; c->envp && c->envp[i]; i++)
		free(c->envp[i]);
	free(TAKE(c->envp));
	free(TAKE(c->compose_dir));
	free(TAKE(c->play_dir));
	free(TAKE(c->play_file));
}

/* The event is wiped when its handler returns; the workload starts later. */
static int keep_workload(struct hpl_container *c, const Hpl__WorkloadSlice *w, struct hpl_err *err)
{
	size_t len = hpl__workload_slice__get_packed_size(w);
	uint8_t *packed = malloc(len ? len : 1);

	if (!packed)
		return HPL_OOM(err);
	forget_workload(c);
	hpl__workload_slice__pack(w, packed);
	c->workload = hpl__workload_slice__unpack(NULL, len, packed);
	hpl_wipe(packed, len);
	free(packed);
	return c->workload ? 0 : HPL_OOM(err);
}

static void log_prepared(struct hpl_container *c)
{
	if (!c->is_compose) {
		hpl_service_say(c->s, TAG_PLAY, HPL_MSG_PLAY_PROCESSING_SUCCESSFUL, "%zu documents, %zu pods",
			c->documents, c->pods);
		return;
	}
	hpl_log_tag(HPL_SEV_INFO, TAG, "Extracting done...");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Extracting the ENV Contents...");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Writing new env file %s/.env ...", c->compose_dir);
	if (c->had_dotenv)
		hpl_log_tag(HPL_SEV_INFO, TAG, "Reading existing env file %s/.env ...", c->compose_dir);
	hpl_log_tag(HPL_SEV_INFO, TAG, "Extracting of environment contents done");
	hpl_log_tag(HPL_SEV_INFO, TAG, "%s file is present in the directory", c->compose_name);
	hpl_log_tag(HPL_SEV_INFO, TAG, "Starting workload containers...");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Docker Compose Logs:");
}

static void nothing_to_play(struct hpl_container *c)
{
	hpl_service_say(c->s, TAG_PLAY, HPL_MSG_PLAY_NOTHING_TO_DO, NULL);
}

/* A play section without any pod: nothing runs, and that is what was asked for. */
static int finish_empty(struct hpl_container *c, struct hpl_err *err)
{
	Hpl__WorkloadState state = HPL__WORKLOAD_STATE__INIT;

	nothing_to_play(c);
	c->step = HPL_STEP_RUNNING;
	return hpl_service_publish(c->s, HPL_TOPIC_WORKLOAD_STARTED, &state.base,
		HPL_MSG_PLAY_NOTHING_TO_DO, err);
}

static void on_prepared(void *ud, int result, struct hpl_err *err)
{
	struct hpl_container *c = ud;
	struct hpl_err own = HPL_ERR_NULL;
	int r;

	forget_workload(c);
	if (c->step != HPL_STEP_PREPARING)
		return;
	if (result < 0) {
		hpl_service_fail(c->s, hpl_container_tag_of(c), err);
		return;
	}
	log_prepared(c);
	r = !c->is_compose && !c->pods ? finish_empty(c, &own) : hpl_container_run(c, &own);
	if (r < 0)
		hpl_service_fail(c->s, hpl_container_tag_of(c), &own);
}

static int start_compose(struct hpl_container *c)
{
	nothing_to_play(c);
	hpl_log_tag(HPL_SEV_INFO, TAG, "Starting container service...");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Validation completed");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Compose folder: %s", c->compose_dir);
	hpl_log_tag(HPL_SEV_INFO, TAG, "Extracting compose...");
	return 0;
}

static int start_workload(struct hpl_container *c, struct hpl_err *err)
{
	switch (c->workload->kind) {
	case HPL__WORKLOAD_SLICE__KIND__COMPOSE:
		c->is_compose = true;
		start_compose(c);
		break;
	case HPL__WORKLOAD_SLICE__KIND__PLAY:
		hpl_log_tag(HPL_SEV_INFO, TAG_PLAY, "Version [%s]", HPL_VERSION);
		break;
	default:
		HPL_FAIL(err, HPL_MSG_COMPOSE_PARSE_CONTRACT, 0,
			"this guest starts compose and play workloads only");
		hpl_err_cure(err, "give workload.compose or workload.play");
		return -1;
	}
	c->step = HPL_STEP_PREPARING;
	return hpl_work_run(c->s, hpl_container_prepare, on_prepared, c, err);
}

/* Every gate has this handler; the last one to open starts the workload. */
static int on_gate(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_container *c = state;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(gates); i++)
		if (hpl_streq(gates[i].topic, ev->topic))
			c->gates |= gates[i].gate;
	if (hpl_streq(ev->topic, HPL_TOPIC_CONTRACT_WORKLOAD) && c->step == HPL_STEP_WAITING &&
		keep_workload(c, ev->workload, err) < 0)
		return HPL_WRAP(err, HPL_MSG_COMPOSE_PARSE_CONTRACT, "workload");
	if (c->gates != HPL_GATE_ALL || c->step != HPL_STEP_WAITING)
		return 0;
	return start_workload(c, err);
}

static int on_start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_container *c = state;
	uint64_t timeout_s;

	c->s = s;
	c->compose_dir = strdup(hpl_service_setting(s, "compose_dir", "/data1/compose"));
	c->play_dir = strdup(hpl_service_setting(s, "play_dir", "/data1/play"));
	c->play_file = strdup(hpl_service_setting(s, "play_file", "/run/hpl/container/play.yaml"));
	if (!c->compose_dir || !c->play_dir || !c->play_file)
		return HPL_OOM(err);
	if (hpl_service_setting_u64(s, "engine_timeout_s", 2400, 1, 86400, &timeout_s, err) < 0 ||
		hpl_service_setting_u64(s, "stop_s", 10, 0, 120, &c->stop_s, err) < 0)
		return -1;
	c->engine_timeout_ms = timeout_s * 1000;
	return 0;
}

static void on_stop(struct hpl_service *s, void *state)
{
	struct hpl_container *c = state;

	if (c->step != HPL_STEP_STOPPING)
		hpl_container_stop(c);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_VALID, on_gate},
	{HPL_TOPIC_SIGNATURE_VERIFIED, on_gate},
	{HPL_TOPIC_STORAGE_READY, on_gate},
	{HPL_TOPIC_IMAGE_VERIFIED, on_gate},
	{HPL_TOPIC_REGISTRY_READY, on_gate},
	{HPL_TOPIC_ATTESTATION_READY, on_gate},
	{HPL_TOPIC_CONTRACT_WORKLOAD, on_gate},
	{NULL, NULL},
};

const struct hpl_service_def hpl_container_def = {
	.name = "container",
	.handlers = handlers,
	.start = on_start,
	.stop = on_stop,
};
