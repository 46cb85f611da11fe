/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launcher/sandbox.h"

#include <errno.h>

enum { MAGIC = 0x48504c02 }; /* "HPL", version of the form */

/* numbers of linux/capability.h; the position is the number */
static const char *const capability_names[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
};

int hpl_capability_find(const char *name)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(capability_names); i++)
		if (hpl_streq(capability_names[i], name))
			return (int)i;
	return -1;
}

void hpl_sandbox_done(struct hpl_sandbox *s)
{
	free(s->name);
	free(s->program);
	free(s->root);
	free(s->bus);
	for (uint32_t i = 0; i < s->path_count; i++)
		free(s->paths[i].path);
	free(s->filter);
	*s = HPL_SANDBOX_NULL;
}

int hpl_sandbox_add_path(struct hpl_sandbox *s, enum hpl_sandbox_path_kind kind, const char *path,
	struct hpl_err *err)
{
	char *copy;

	if (s->path_count == HPL_SANDBOX_PATHS)
		return HPL_FAIL(err, 0, 0, "more than %d paths", HPL_SANDBOX_PATHS);
	copy = strdup(path);
	if (!copy)
		return HPL_OOM(err);
	s->paths[s->path_count++] = (struct hpl_sandbox_path){kind, copy};
	return 0;
}

static void put_u32(struct hpl_buf *out, uint32_t v)
{
	hpl_buf_add(out, &v, sizeof(v));
}

static void put_u64(struct hpl_buf *out, uint64_t v)
{
	hpl_buf_add(out, &v, sizeof(v));
}

static void put_text(struct hpl_buf *out, const char *text)
{
	size_t len = strlen(text);

	put_u32(out, (uint32_t)len);
	hpl_buf_add(out, text, len);
}

int hpl_sandbox_pack(struct hpl_buf *out, const struct hpl_sandbox *s, struct hpl_err *err)
{
	put_u32(out, MAGIC);
	put_text(out, s->name);
	put_text(out, s->program);
	put_text(out, s->root);
	put_text(out, s->bus);
	put_u32(out, s->flags);
	put_u32(out, s->uid);
	put_u32(out, s->gid);
	put_u32(out, s->group_count);
	for (uint32_t i = 0; i < s->group_count; i++)
		put_u32(out, s->groups[i]);
	put_u64(out, s->capabilities);
	put_u64(out, s->nofile);
	put_u64(out, s->memlock_bytes);
	put_u64(out, s->nproc);
	put_u32(out, s->path_count);
	for (uint32_t i = 0; i < s->path_count; i++) {
		put_u32(out, s->paths[i].kind);
		put_text(out, s->paths[i].path);
	}
	put_u32(out, (uint32_t)s->filter_size);
	hpl_buf_add(out, s->filter, s->filter_size);
	return out->failed ? HPL_OOM(err) : 0;
}

/* Reads from a byte range; the first thing that does not fit sets bad and later reads give 0. */
struct reader {
	const char *at;
	size_t left;
	bool bad;
};

static void take(struct reader *r, void *to, size_t len)
{
	if (r->bad || r->left < len) {
		r->bad = true;
		memset(to, 0, len);
		return;
	}
	if (len)
		memcpy(to, r->at, len);
	r->at += len;
	r->left -= len;
}

static uint32_t take_u32(struct reader *r)
{
	uint32_t v;

	take(r, &v, sizeof(v));
	return v;
}

static uint64_t take_u64(struct reader *r)
{
	uint64_t v;

	take(r, &v, sizeof(v));
	return v;
}

static void *take_bytes(struct reader *r, size_t len, size_t limit)
{
	char *p;

	if (r->bad || len > limit || len > r->left) {
		r->bad = true;
		return NULL;
	}
	p = calloc(1, len + 1);
	if (!p) {
		r->bad = true;
		return NULL;
	}
	take(r, p, len);
	return p;
}

static char *take_text(struct reader *r)
{
	uint32_t len = take_u32(r);
	char *text = take_bytes(r, len, HPL_SANDBOX_TEXT);

	if (text && strlen(text) != len)
		r->bad = true;
	return text;
}

static void take_lists(struct reader *r, struct hpl_sandbox *s)
{
	uint32_t count = take_u32(r);

	for (uint32_t i = 0; i < count && !r->bad; i++) {
		uint32_t kind = take_u32(r);

		if (i == HPL_SANDBOX_PATHS || kind > HPL_PATH_DEVICE) {
			r->bad = true;
			return;
		}
		s->paths[i] = (struct hpl_sandbox_path){kind, take_text(r)};
		s->path_count = i + 1;
	}
	s->filter_size = take_u32(r);
	if (s->filter_size)
		s->filter = take_bytes(r, s->filter_size, HPL_SANDBOX_FILTER);
}

int hpl_sandbox_unpack(struct hpl_sandbox *ret, const void *data, size_t len, struct hpl_err *err)
{
	struct hpl_sandbox s = HPL_SANDBOX_NULL;
	struct reader r = {data, len, false};

	if (take_u32(&r) != MAGIC)
		return HPL_FAIL(err, 0, 0, "not a sandbox of this version");
	s.name = take_text(&r);
	s.program = take_text(&r);
	s.root = take_text(&r);
	s.bus = take_text(&r);
	s.flags = take_u32(&r);
	s.uid = take_u32(&r);
	s.gid = take_u32(&r);
	s.group_count = take_u32(&r);
	if (s.group_count > HPL_SANDBOX_GROUPS) {
		s.group_count = 0;
		r.bad = true;
	}
	for (uint32_t i = 0; i < s.group_count; i++)
		s.groups[i] = take_u32(&r);
	s.capabilities = take_u64(&r);
	s.nofile = take_u64(&r);
	s.memlock_bytes = take_u64(&r);
	s.nproc = take_u64(&r);
	take_lists(&r, &s);
	if (r.bad || r.left) {
		hpl_sandbox_done(&s);
		return HPL_FAIL(err, 0, 0, "the sandbox description is damaged");
	}
	*ret = s;
	return 0;
}
