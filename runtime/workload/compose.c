/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/workload/compose.h"

#include <errno.h>

#include "proto/messages.h"
#include "runtime/archive/archive.h"
#include "runtime/base/b64.h"
#include "runtime/base/secret.h"

enum { TEXT_LIMIT = 1 << 20 }; /* a compose file or .env that people write has some KiB */

static void file_done(struct hpl_compose_file *f)
{
	if (f->text)
		hpl_wipe(f->text, f->len);
	free(f->text);
	free(f->path);
}

void hpl_compose_done(struct hpl_compose *c)
{
	for (size_t i = 0; i < c->file_count; i++)
		file_done(&c->files[i]);
	free(c->files);
	hpl_env_done(&c->env);
	hpl_buf_done(&c->archive);
	*c = HPL_COMPOSE_NULL;
}

const struct hpl_compose_file *hpl_compose_find(const struct hpl_compose *c, const char *path)
{
	for (size_t i = 0; i < c->file_count; i++)
		if (hpl_streq(c->files[i].path, path))
			return &c->files[i];
	return NULL;
}

static bool has_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n >= m && strcmp(path + n - m, suffix) == 0;
}

static int keep_text(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	struct hpl_compose *c = ud;
	struct hpl_compose_file f = {0}, *more;

	if (e->is_dir || e->len > TEXT_LIMIT)
		return 0;
	if (!has_suffix(e->path, ".yaml") && !has_suffix(e->path, ".yml") &&
		!hpl_streq(e->path, ".env"))
		return 0;
	more = reallocarray(c->files, c->file_count + 1, sizeof(*more));
	if (!more)
		return HPL_OOM(err);
	c->files = more;
	f.path = strdup(e->path);
	f.text = malloc(e->len + 1);
	f.len = e->len;
	if (!f.path || !f.text) {
		f.len = 0;
		file_done(&f);
		return HPL_OOM(err);
	}
	memcpy(f.text, e->data, e->len);
	f.text[f.len] = 0;
	c->files[c->file_count++] = f;
	return 0;
}

static int load_env(struct hpl_compose *c, const Hpl__WorkloadSlice *w, struct hpl_err *err)
{
	_cleanup_env_ struct hpl_env contract = HPL_ENV_NULL;
	const struct hpl_compose_file *dotenv = hpl_compose_find(c, ".env");

	if (hpl_env_add_slice(&contract, w->env, w->n_env, err) < 0 ||
		hpl_env_add_slice(&c->env, w->env, w->n_env, err) < 0)
		return HPL_COMPOSE_BAD_ENV;
	c->had_dotenv = dotenv != NULL;
	if (dotenv && hpl_dotenv_read(&c->env, dotenv->text, dotenv->len, &contract, err) < 0) {
		hpl_err_place(err, "workload.compose.archive: .env");
		return HPL_COMPOSE_BAD_ENV;
	}
	return 0;
}

static int load(struct hpl_compose *c, const Hpl__WorkloadSlice *w, struct hpl_err *err)
{
	static const char *const names[] = {"docker-compose.yaml", "docker-compose.yml"};
	int r;

	if (hpl_b64_decode(&c->archive, (const char *)w->compose_archive.data,
		    w->compose_archive.len, HPL_B64_WHITESPACE, err) < 0)
		return HPL_COMPOSE_NOT_ARCHIVE;
	r = hpl_archive_walk(c->archive.data, c->archive.len, NULL, keep_text, c, err);
	if (r < 0)
		return r;
	if (r)
		return r == HPL_ARCHIVE_BAD_TAR ? HPL_COMPOSE_BAD_TAR : HPL_COMPOSE_NOT_ARCHIVE;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(names) && !c->name; i++)
		if (hpl_compose_find(c, names[i]))
			c->name = names[i];
	if (!c->name) {
		HPL_FAIL(err, 0, 0, "the archive has no docker-compose.yaml or docker-compose.yml at its top");
		hpl_err_cure(err, "pack the folder's content, not the folder: tar -czf - -C FOLDER .");
		return HPL_COMPOSE_NO_FILE;
	}
	return load_env(c, w, err);
}

int hpl_compose_load(struct hpl_compose *ret, const Hpl__WorkloadSlice *workload,
	struct hpl_err *err)
{
	struct hpl_compose c = HPL_COMPOSE_NULL;
	int r = load(&c, workload, err);

	if (r) {
		hpl_err_place(err, "contract: workload.compose.archive");
		hpl_compose_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

enum hpl_msg hpl_compose_msg(int fault)
{
	switch (fault) {
	case HPL_COMPOSE_NOT_ARCHIVE:
		return HPL_MSG_IMAGE_COMPOSE_DECOMPRESS_COMPOSE;
	case HPL_COMPOSE_BAD_TAR:
		return HPL_MSG_IMAGE_COMPOSE_TAR_READER;
	case HPL_COMPOSE_NO_FILE:
		return HPL_MSG_IMAGE_COMPOSE_NO_COMPOSE;
	case HPL_COMPOSE_BAD_ENV:
		return HPL_MSG_IMAGE_COMPOSE_EXTRACT_ENV;
	default:
		return HPL_MSG_IMAGE_COMPOSE_EXTRACT_COMPOSE;
	}
}
