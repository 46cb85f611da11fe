/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a resource, as a template and as a file of a play archive. What is loaded makes a
 * stream that loads again with as many pods. */
#include <stdint.h>

#include "runtime/archive/tests/tar.h"
#include "runtime/base/b64.h"
#include "runtime/workload/image_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *pack(const void *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL;
	struct hpl_buf b64 = HPL_BUF_NULL;

	tar_add(&tar, "pod.yaml", '0', "", data, size, 0644);
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	hpl_b64_encode(&b64, gz.data, gz.len);
	return hpl_buf_take(&b64, NULL);
}

static int load_archive(struct hpl_play *p, const void *data, size_t size)
{
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	_cleanup_free_ char *b64 = pack(data, size);

	if (!b64)
		return -1;
	w.play_archive = (ProtobufCBinaryData){strlen(b64), (uint8_t *)b64};
	return hpl_play_load(p, &w, NULL);
}

static void judge(const struct hpl_play *p)
{
	Hpl__ImagesSlice images = HPL__IMAGES_SLICE__INIT;
	struct hpl_image_rule rule = {.slice = &images};
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_image_rule_play(&rule, p, &err) < 0 && (!err.msg || !err.text[0]))
		abort();
	hpl_image_rule_done(&rule);
}

static void as_archive(const uint8_t *data, size_t size)
{
	struct hpl_play p = HPL_PLAY_NULL, again = HPL_PLAY_NULL;
	_cleanup_buf_ struct hpl_buf stream = HPL_BUF_NULL;

	if (load_archive(&p, data, size) < 0)
		return;
	judge(&p);
	hpl_play_stream(&stream, &p);
	/* its own ConfigMap comes first in each */
	if (load_archive(&again, stream.data, stream.len) < 0 || again.pods != p.pods ||
		again.count != p.count + 1)
		abort();
	hpl_play_done(&again);
	hpl_play_done(&p);
}

static void as_resource(const uint8_t *data, size_t size, bool template)
{
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	Hpl__EnvVar var = HPL__ENV_VAR__INIT, *vars[] = {&var};
	ProtobufCBinaryData text = {size, (uint8_t *)(uintptr_t)data};
	struct hpl_play p = HPL_PLAY_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	var.name = (char *)(uintptr_t)"HOST";
	var.value = (ProtobufCBinaryData){11, (uint8_t *)(uintptr_t)"reg.\"x\\\n{{"};
	w.env = vars;
	w.n_env = 1;
	w.resources = w.templates = &text;
	w.n_resources = !template;
	w.n_templates = template;
	if (hpl_play_load(&p, &w, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	judge(&p);
	hpl_play_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 256 << 10)
		return 0;
	as_resource(data, size, false);
	as_resource(data, size, true);
	as_archive(data, size);
	return 0;
}
