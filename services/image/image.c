/* SPDX-License-Identifier: Apache-2.0 */
#include "services/image/image.h"

#include <sys/stat.h>

#include "runtime/base/file.h"
#include "runtime/workload/image_rule.h"

#define TAG "hpcr-image"
#define TAG_PLAY "hpcr-image-play"

static int check_compose(struct hpl_image_rule *rule, struct hpl_err *err)
{
	struct hpl_compose c = HPL_COMPOSE_NULL;
	int r;

	hpl_log_tag(HPL_SEV_INFO, TAG, "Extracting image contract");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Successfully extracted Image contract");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Extracting container contract");
	r = hpl_compose_load(&c, rule->slice->workload, err);
	if (r)
		return HPL_WRAP(err, hpl_compose_msg(r), "workload.compose");
	hpl_log_tag(HPL_SEV_INFO, TAG, "Checking for image with digest");
	r = hpl_image_rule_compose(rule, &c, err);
	hpl_compose_done(&c);
	if (r == 0)
		hpl_log_tag(HPL_SEV_INFO, TAG, "No image for DCT verification");
	return r;
}

static int check_play(struct hpl_image_rule *rule, struct hpl_err *err)
{
	struct hpl_play p = HPL_PLAY_NULL;
	int r;

	if (hpl_play_load(&p, rule->slice->workload, err) < 0)
		return HPL_WRAP(err, HPL_MSG_PLAY_PROCESSING_FAILED, "workload.play");
	r = hpl_image_rule_play(rule, &p, err);
	hpl_play_done(&p);
	return r;
}

static int write_policy(struct hpl_service *s, const struct hpl_image_rule *rule,
	struct hpl_err *err)
{
	const char *path = hpl_service_setting(s, "policy", "/run/hpl/policy/policy.json");
	_cleanup_buf_ struct hpl_buf policy = HPL_BUF_NULL;

	if (hpl_image_policy(&policy, rule, err) < 0 ||
		hpl_file_write(path, policy.data, policy.len, 0644, err) < 0)
		return HPL_WRAP(err, HPL_MSG_IMAGE_PLAY_PROCESSING_FAILED, "image policy");
	hpl_service_say(s, TAG_PLAY, HPL_MSG_IMAGE_PLAY_PROCESSING_SUCCESSFUL,
		"%zu images by digest, %zu signing keys", rule->pinned_count, rule->slice->n_rhs);
	return 0;
}

static int verify(struct hpl_service *s, const Hpl__ImagesSlice *slice, struct hpl_err *err)
{
	struct hpl_image_rule rule = {.slice = slice};
	const Hpl__WorkloadSlice *w = slice->workload;
	int r = 0;

	hpl_log_tag(HPL_SEV_INFO, TAG, "Starting image service...");
	if (!w)
		return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_CONTRACT, 0, "no workload was delivered");
	if (w->kind == HPL__WORKLOAD_SLICE__KIND__COMPOSE)
		r = check_compose(&rule, err);
	else if (w->kind == HPL__WORKLOAD_SLICE__KIND__PLAY)
		r = check_play(&rule, err);
	if (r == 0)
		r = write_policy(s, &rule, err);
	hpl_image_rule_done(&rule);
	if (r == 0)
		hpl_log_tag(HPL_SEV_INFO, TAG, "Image service completed successfully");
	return r;
}

static int on_images(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	if (verify(s, ev->images, err) < 0)
		return -1;
	if (hpl_service_publish(s, HPL_TOPIC_IMAGE_VERIFIED, NULL, HPL_MSG_NONE, err) < 0)
		return HPL_WRAP(err, HPL_MSG_IMAGE_COMPOSE_PARSE_CONTRACT, "cannot report");
	hpl_service_done(s);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_IMAGES, on_images},
	{NULL, NULL},
};

const struct hpl_service_def hpl_image_def = {
	.name = "image",
	.handlers = handlers,
};
