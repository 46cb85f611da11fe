/* SPDX-License-Identifier: Apache-2.0 */
#include "services/container/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/syslog.h"
#include "schema/node.h"
#include "services/container/ctrlog.h"
#include "services/container/engine.h"

enum {
	ID_HEX = 64,
	STREAMS_MAX = 512,      /* containers of one guest */
	TURN_BYTES = 256 << 10, /* of one container in one turn, so that others get theirs */
	CHUNK = 16 << 10,
	RETRY_MS = 50,          /* rsyslog's queue was full or its socket is not there */
	JSON_LIMIT = 8 << 20,
};

struct stream {
	char id[ID_HEX + 1];
	char tag[160];
	int fd;
	ino_t inode;
	off_t offset;
	struct hpl_ctrlog log;
	char chunk[CHUNK];      /* read and not yet handed over: chunk[at..len) */
	size_t at, len;
};

struct hpl_follow {
	uv_timer_t timer;
	char *dir, *socket_path;
	bool compose;
	unsigned interval_ms;
	int fd;                 /* datagram socket */
	struct stream **streams;
	size_t count;
	struct hpl_buf pending; /* a record that rsyslog did not take yet */
	void (*drained)(void *ud);
	void *drained_ud;
	uint64_t drain_until_ms;
};

static void stream_free(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	hpl_ctrlog_done(&s->log);
	free(s);
}

/* true: taken, or lost for good because no socket could take it (too long) */
static bool send_pending(struct hpl_follow *f)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (!f->pending.len)
		return true;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", f->socket_path);
	for (;;) {
		if (sendto(f->fd, f->pending.data, f->pending.len, MSG_DONTWAIT | MSG_NOSIGNAL,
			    (struct sockaddr *)&to, sizeof(to)) >= 0 || errno == EMSGSIZE)
			break;
		if (errno != EINTR)
			return false;
	}
	hpl_buf_clear(&f->pending);
	return true;
}

static char *log_path(const struct hpl_follow *f, const char *id)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s/userdata/ctr.log", f->dir, id) < 0 ? NULL : path;
}

/* Has the file been replaced (rotation) or cut? Called at its end. */
static bool reopen_if_new(struct hpl_follow *f, struct stream *s)
{
	_cleanup_free_ char *path = log_path(f, s->id);
	struct stat st, own;

	if (!path || stat(path, &st) < 0 || fstat(s->fd, &own) < 0)
		return false;
	if (st.st_ino == s->inode) {
		if (own.st_size >= s->offset)
			return false;
		s->offset = 0;
		return true;
	}
	/* between the last read and the rename something may have been added to the old file */
	if (own.st_size > s->offset)
		return true;
	close(s->fd);
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	s->inode = s->fd >= 0 && fstat(s->fd, &own) == 0 ? own.st_ino : 0;
	s->offset = 0;
	return s->fd >= 0;
}

/* true: there are bytes in the chunk */
static bool fill_chunk(struct hpl_follow *f, struct stream *s)
{
	for (int tries = 0; tries < 3 && s->fd >= 0; tries++) {
		ssize_t n = pread(s->fd, s->chunk, sizeof(s->chunk), s->offset);

		if (n > 0) {
			s->offset += n;
			s->at = 0;
			s->len = (size_t)n;
			return true;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (!reopen_if_new(f, s))
			return false;
	}
	return false;
}

/* Hands over what the stream has. false: rsyslog does not take more now. */
static bool pump(struct hpl_follow *f, struct stream *s, bool *ret_any)
{
	for (size_t done = 0; done < TURN_BYTES;) {
		struct hpl_ctrlog_record r;
		bool has;
		size_t n;

		if (s->at == s->len && !fill_chunk(f, s))
			return true;
		*ret_any = true;
		n = hpl_ctrlog_feed(&s->log, s->chunk + s->at, s->len - s->at, &r, &has);
		s->at += n;
		done += n;
		if (!has)
			continue;
		hpl_syslog_format(&f->pending, HPL_FACILITY_DAEMON, r.is_err ? HPL_SEV_ERR : HPL_SEV_INFO,
			r.wall_us, s->tag, getpid(), r.text, r.len);
		if (!send_pending(f))
			return false;
	}
	return true;
}

static bool is_id(const char *name)
{
	return strlen(name) == ID_HEX && strspn(name, "0123456789abcdef") == ID_HEX;
}

static const struct stream *find_stream(const struct hpl_follow *f, const char *id)
{
	for (size_t i = 0; i < f->count; i++)
		if (hpl_streq(f->streams[i]->id, id))
			return f->streams[i];
	return NULL;
}

/* The container's first name from podman's own list. */
static int find_name(const struct hpl_node *list, const char *id, char *out, size_t size)
{
	for (size_t i = 0; list && list->kind == HPL_LIST && i < list->list.count; i++) {
		const struct hpl_node *c = list->list.items[i], *names = hpl_node_get(c, "names");

		if (!hpl_streq(hpl_node_get_str(c, "id"), id))
			continue;
		if (!names || names->kind != HPL_LIST || !names->list.count ||
			!hpl_node_str(names->list.items[0]))
			return -1;
		snprintf(out, size, "%s", hpl_node_str(names->list.items[0]));
		return 0;
	}
	return -1;
}

static void add_stream(struct hpl_follow *f, const char *id, const char *name)
{
	_cleanup_free_ char *path = log_path(f, id);
	struct stream **more = reallocarray(f->streams, f->count + 1, sizeof(*more));
	struct stream *s = calloc(1, sizeof(*s));
	struct stat st;

	if (more)
		f->streams = more;
	if (!path || !more || !s) {
		free(s);
		return; /* tried again at the next look */
	}
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		stream_free(s);
		return;
	}
	s->inode = st.st_ino;
	snprintf(s->id, sizeof(s->id), "%s", id);
	hpl_container_tag(s->tag, sizeof(s->tag), name, f->compose);
	f->streams[f->count++] = s;
}

/* The names of new containers; podman replaces its list whole, so it can be read at any time. */
static struct hpl_doc *read_list(const struct hpl_follow *f)
{
	_cleanup_free_ char *path = hpl_path_join(f->dir, "containers.json");
	_cleanup_buf_ struct hpl_buf json = HPL_BUF_NULL;
	struct hpl_doc *doc = NULL;

	if (!path || hpl_file_read(&json, path, JSON_LIMIT, NULL) < 0 || !json.len)
		return NULL;
	if (hpl_yaml_read(&doc, json.data, json.len, NULL, (struct hpl_pos){1, 1}, 0, NULL) < 0)
		return NULL;
	return doc;
}

static void look_for_new(struct hpl_follow *f)
{
	_cleanup_doc_ struct hpl_doc *list = NULL;
	DIR *d = opendir(f->dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d)) && f->count < STREAMS_MAX;) {
		_cleanup_free_ char *path = NULL;
		char name[128];

		if (!is_id(e->d_name) || find_stream(f, e->d_name))
			continue;
		path = log_path(f, e->d_name);
		if (!path || access(path, R_OK) < 0)
			continue;
		if (!list)
			list = read_list(f);
		if (!list)
			break;
		if (find_name(hpl_doc_root(list), e->d_name, name, sizeof(name)) == 0)
			add_stream(f, e->d_name, name);
	}
	closedir(d);
}

/* A container that was removed: its file has no name any more and was read to its end. */
static void drop_gone(struct hpl_follow *f)
{
	for (size_t i = 0; i < f->count;) {
		struct stream *s = f->streams[i];
		_cleanup_free_ char *path = log_path(f, s->id);

		if (!path || access(path, F_OK) == 0 || s->at < s->len) {
			i++;
			continue;
		}
		stream_free(s);
		f->streams[i] = f->streams[--f->count];
	}
}

static void on_timer(uv_timer_t *t)
{
	struct hpl_follow *f = t->data;
	bool any = false, open = send_pending(f);

	if (open)
		look_for_new(f);
	for (size_t i = 0; open && i < f->count; i++)
		open = pump(f, f->streams[i], &any);
	if (open && !any)
		drop_gone(f);
	if (f->drained && ((open && !any) || uv_now(t->loop) >= f->drain_until_ms)) {
		void (*done)(void *ud) = TAKE(f->drained);

		done(f->drained_ud);
		return; /* the owner may have freed f */
	}
	uv_timer_start(&f->timer, on_timer, !open ? RETRY_MS : any ? 0 : f->interval_ms, 0);
}

int hpl_follow_new(struct hpl_follow **ret, uv_loop_t *loop, const struct hpl_follow_config *config,
	struct hpl_err *err)
{
	struct hpl_follow *f = calloc(1, sizeof(*f));

	if (!f)
		return HPL_OOM(err);
	f->dir = strdup(config->dir);
	f->socket_path = strdup(config->socket);
	f->compose = config->compose;
	f->interval_ms = config->interval_ms;
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!f->dir || !f->socket_path || f->fd < 0) {
		HPL_FAIL(err, 0, errno, "cannot make the log follower");
		free(f->dir);
		free(f->socket_path);
		free(f);
		return -1;
	}
	uv_timer_init(loop, &f->timer);
	f->timer.data = f;
	uv_timer_start(&f->timer, on_timer, 0, 0);
	*ret = f;
	return 0;
}

void hpl_follow_drain(struct hpl_follow *f, unsigned limit_ms, void (*done)(void *ud), void *ud)
{
	uv_update_time(f->timer.loop);
	f->drained = done;
	f->drained_ud = ud;
	f->drain_until_ms = uv_now(f->timer.loop) + limit_ms;
	uv_timer_start(&f->timer, on_timer, 0, 0);
}

static void on_closed(uv_handle_t *h)
{
	struct hpl_follow *f = h->data;

	for (size_t i = 0; i < f->count; i++)
		stream_free(f->streams[i]);
	free(f->streams);
	hpl_buf_done(&f->pending);
	close(f->fd);
	free(f->dir);
	free(f->socket_path);
	free(f);
}

void hpl_follow_free(struct hpl_follow *f)
{
	if (f)
		uv_close((uv_handle_t *)&f->timer, on_closed);
}
