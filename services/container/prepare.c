/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made before the engine starts: the extracted archive, .env, the stream of pod
 * descriptors. Runs on a pool thread, because archives may be large.
 */
#include <errno.h>
#include <fcntl.h>

#include "runtime/archive/archive.h"
#include "runtime/base/file.h"
#include "services/container/container.h"

static int open_dir(const char *path, struct hpl_err *err)
{
	int fd;

	if (hpl_mkdir_p(path, 0755, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? HPL_FAIL(err, 0, errno, "cannot open %s", path) : fd;
}

static enum hpl_msg compose_msg(int fault)
{
	switch (fault) {
	case HPL_COMPOSE_NO_FILE:
		return HPL_MSG_COMPOSE_COMPOSE_NOT_EXISTS;
	case HPL_COMPOSE_BAD_ENV:
		return HPL_MSG_COMPOSE_EXTRACT_ENV;
	default:
		return HPL_MSG_COMPOSE_EXTRACT_COMPOSE;
	}
}

static int write_env(struct hpl_container *c, const struct hpl_compose *compose, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	_cleanup_free_ char *path = hpl_path_join(c->compose_dir, ".env");

	hpl_dotenv_write(&text, &compose->env);
	if (!path || text.failed)
		return HPL_OOM(err);
	return hpl_file_write(path, text.data ? text.data : "", text.len, 0600, err);
}

static int prepare_compose(struct hpl_container *c, struct hpl_err *err)
{
	struct hpl_compose compose = HPL_COMPOSE_NULL;
	_cleanup_close_ int dir = -1;
	int r = hpl_compose_load(&compose, c->workload, err);

	if (r)
		return HPL_WRAP(err, compose_msg(r), "workload.compose");
	dir = open_dir(c->compose_dir, err);
	if (dir < 0 || hpl_archive_extract(compose.archive.data, compose.archive.len, NULL, dir, err))
		r = HPL_WRAP(err, HPL_MSG_COMPOSE_EXTRACT_COMPOSE, "workload.compose.archive");
	else if (write_env(c, &compose, err) < 0)
		r = HPL_WRAP(err, HPL_MSG_COMPOSE_EXTRACT_ENV, "environment");
	c->compose_name = compose.name; /* static text */
	c->had_dotenv = compose.had_dotenv;
	hpl_compose_done(&compose);
	return r;
}

/* On a tmpfs and for root only: it holds the values of the contract's env. */
static int write_play_file(const char *path, const struct hpl_buf *stream, struct hpl_err *err)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!slash)
		return HPL_OOM(err);
	*slash = 0;
	if (hpl_mkdir_p(dir, 0700, err) < 0)
		return -1;
	return hpl_file_write(path, stream->data, stream->len, 0600, err);
}

static int prepare_play(struct hpl_container *c, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf stream = {.wipe = 1};
	_cleanup_close_ int dir = -1;
	struct hpl_play play = HPL_PLAY_NULL;
	int r = -1;

	if (hpl_play_load(&play, c->workload, err) < 0)
		return HPL_WRAP(err, HPL_MSG_PLAY_PROCESSING_FAILED, "workload.play");
	c->documents = play.count;
	c->pods = play.pods;
	hpl_play_stream(&stream, &play);
	dir = open_dir(c->play_dir, err);
	if (stream.failed)
		HPL_OOM(err);
	else if (dir >= 0 && (!play.archive.len ||
			hpl_archive_extract(play.archive.data, play.archive.len, NULL, dir, err) == 0))
		r = write_play_file(c->play_file, &stream, err);
	hpl_play_done(&play);
	return r < 0 ? HPL_WRAP(err, HPL_MSG_PLAY_PROCESSING_FAILED, "workload.play") : 0;
}

int hpl_container_prepare(void *ud, struct hpl_err *err)
{
	struct hpl_container *c = ud;

	return c->is_compose ? prepare_compose(c, err) : prepare_play(c, err);
}
