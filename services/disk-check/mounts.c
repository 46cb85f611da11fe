/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/mounts.h"

#include <stdio.h>

enum { FIELDS_BEFORE = 6, MOUNTS_MAX = 100000 }; /* fs.mount-max of the kernel */

static void done_one(struct hpl_mount *m)
{
	hpl_freep(&m->root);
	hpl_freep(&m->point);
	hpl_freep(&m->type);
	hpl_freep(&m->source);
}

void hpl_mounts_done(struct hpl_mounts *m)
{
	for (size_t i = 0; i < m->count; i++)
		done_one(&m->list[i]);
	hpl_freep(&m->list);
	m->count = 0;
}

/* A copy without the octal escapes of blanks, tabs, line ends and backslashes. */
static char *unescaped(const char *s)
{
	char *copy = strdup(s), *out = copy;

	for (const char *in = copy; in && *in;) {
		unsigned v;

		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && sscanf(in + 1, "%3o", &v) == 1 && v) {
			*out++ = (char)v;
			in += in[2] && in[3] ? 4 : strlen(in);
		} else {
			*out++ = *in++;
		}
	}
	if (out)
		*out = 0;
	return copy;
}

static size_t split(char *line, char **fields, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	for (char *f = strtok_r(line, " ", &save); f && n < max; f = strtok_r(NULL, " ", &save))
		fields[n++] = f;
	return n;
}

/* "36 35 98:0 /sub /mount/point rw,noatime master:1 - ext3 /dev/root rw"; the source may be empty */
static int parse_line(struct hpl_mount *m, char *line, struct hpl_err *err)
{
	char *dash = strstr(line, " - "), *before[FIELDS_BEFORE], *after[2] = {NULL, NULL}, rest;

	if (!dash)
		return HPL_FAIL(err, 0, 0, "the list of mounts has a line without a separator");
	*dash = 0;
	if (split(line, before, FIELDS_BEFORE) != FIELDS_BEFORE || !split(dash + 3, after, 2))
		return HPL_FAIL(err, 0, 0, "the list of mounts has a line that is too short");
	if (sscanf(before[0], "%u%c", &m->id, &rest) != 1 ||
		sscanf(before[2], "%u:%u%c", &m->major, &m->minor, &rest) != 2)
		return HPL_FAIL(err, 0, 0, "the list of mounts has a line without its numbers");
	m->root = unescaped(before[3]);
	m->point = unescaped(before[4]);
	m->type = unescaped(after[0]);
	m->source = unescaped(after[1] ? after[1] : "");
	return m->root && m->point && m->type && m->source ? 0 : HPL_OOM(err);
}

static int parse_text(struct hpl_mounts *m, char *text, struct hpl_err *err)
{
	size_t room = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (m->count == room) {
			struct hpl_mount *more;

			room = room ? 2 * room : 64;
			more = room > 2 * MOUNTS_MAX ? NULL : realloc(m->list, room * sizeof(*more));
			if (!more)
				return HPL_OOM(err);
			m->list = more;
		}
		m->list[m->count] = (struct hpl_mount){0};
		if (parse_line(&m->list[m->count++], line, err) < 0)
			return -1;
	}
	return m->count ? 0 : HPL_FAIL(err, 0, 0, "the list of mounts is empty");
}

int hpl_mounts_parse(struct hpl_mounts *ret, const char *text, struct hpl_err *err)
{
	_cleanup_mounts_ struct hpl_mounts m = {0};
	_cleanup_free_ char *copy = strdup(text ? text : "");

	if (!copy)
		return HPL_OOM(err);
	if (parse_text(&m, copy, err) < 0)
		return -1;
	*ret = m;
	m = (struct hpl_mounts){0};
	return 0;
}

int hpl_mount_find(const struct hpl_mount **ret, const struct hpl_mounts *m, const char *point,
	uint64_t top, struct hpl_err *err)
{
	const struct hpl_mount *there = NULL, *seen = NULL, *first = NULL;
	size_t layers = 0;

	for (size_t i = 0; i < m->count; i++) {
		const struct hpl_mount *one = &m->list[i];

		if (one->id == top)
			seen = one;
		if (strcmp(one->point, point) != 0)
			continue;
		/* the initramfs stays below the root, in a place that no path leads to */
		if (strcmp(one->type, "rootfs") == 0) {
			first = one;
			continue;
		}
		there = one;
		layers++;
	}
	there = there ? there : first;
	if (!there)
		return HPL_FAIL(err, 0, 0, "nothing is mounted there any more");
	if (layers > 1)
		return HPL_FAIL(err, 0, 0, "%zu things are mounted there, one over the other; on top is %s of %s",
			layers, there->type, there->source);
	if (seen != there)
		return HPL_FAIL(err, 0, 0, "it is hidden: the path leads to what is mounted at %s",
			seen ? seen->point : "a place that is not in the list");
	if (strcmp(there->root, "/") != 0 && !hpl_mount_anonymous(there))
		return HPL_FAIL(err, 0, 0, "only the part %s of a filesystem is mounted there", there->root);
	*ret = there;
	return 0;
}

bool hpl_mount_anonymous(const struct hpl_mount *m)
{
	return strcmp(m->type, "btrfs") == 0 || strcmp(m->type, "bcachefs") == 0;
}

bool hpl_mount_on_disk(const struct hpl_mount *m)
{
	return m->major != 0 || hpl_mount_anonymous(m);
}
