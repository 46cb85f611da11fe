/* SPDX-License-Identifier: Apache-2.0 */
/* Three texts with a NUL between: compose file, .env, a file that it may extend. They are packed as
 * a contract delivers them, loaded, and the images judged. */
#include <stdint.h>

#include "runtime/archive/tests/tar.h"
#include "runtime/base/b64.h"
#include "runtime/workload/image_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *pack(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"docker-compose.yml", ".env", "base.yaml"};
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL;
	struct hpl_buf b64 = HPL_BUF_NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
		size_t len = nul && i < 2 ? (size_t)(nul - data) : size;

		tar_add(&tar, names[i], '0', "", data, len, 0644);
		len += len < size;
		data += len;
		size -= len;
	}
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	hpl_b64_encode(&b64, gz.data, gz.len);
	return hpl_buf_take(&b64, NULL);
}

static void count_fault(void *ud, const struct hpl_err *err)
{
	if (!err->text[0] || !err->msg)
		abort();
	++*(unsigned *)ud;
}

static void judge(const struct hpl_compose *c)
{
	Hpl__ImagesSlice images = HPL__IMAGES_SLICE__INIT;
	unsigned faults = 0;
	struct hpl_image_rule all = {.slice = &images, .fault = count_fault, .ud = &faults};
	struct hpl_image_rule first = {.slice = &images};
	struct hpl_err err = HPL_ERR_NULL;
	int r = hpl_image_rule_compose(&all, c, &err), f = hpl_image_rule_compose(&first, c, &err);

	/* both ways of asking give the same verdict */
	if ((r < 0 || faults) != (f < 0) || (f < 0 && !err.msg))
		abort();
	hpl_image_rule_done(&all);
	hpl_image_rule_done(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	Hpl__EnvVar var = HPL__ENV_VAR__INIT, *vars[] = {&var};
	struct hpl_compose c = HPL_COMPOSE_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_free_ char *b64 = size > 256 << 10 ? NULL : pack(data, size);

	if (!b64)
		return 0;
	var.name = (char *)(uintptr_t)"HOST";
	var.value = (ProtobufCBinaryData){11, (uint8_t *)(uintptr_t)"reg.example"};
	w.env = vars;
	w.n_env = 1;
	w.compose_archive = (ProtobufCBinaryData){strlen(b64), (uint8_t *)b64};
	if (hpl_compose_load(&c, &w, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	judge(&c);
	hpl_compose_done(&c);
	return 0;
}
