/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

/* Undoes the octal escapes of blanks, tabs, line ends and backslashes in place. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		unsigned v;

		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && sscanf(s + 1, "%3o", &v) == 1) {
			*out++ = (char)v;
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = 0;
}

/* "36 35 98:0 /sub /mount/point rw,noatime master:1 - ext3 /dev/root rw" */
static bool parse_line(struct hpl_mount *m, char *line, const char *mount_point)
{
	char *dash = strstr(line, " - "), *save = NULL, *field;
	int n = 0;

	if (!dash)
		return false;
	*dash = 0;
	for (field = strtok_r(line, " ", &save); field; field = strtok_r(NULL, " ", &save)) {
		if (n == 2 && sscanf(field, "%u:%u", &m->major, &m->minor) != 2)
			return false;
		if (n == 4) {
			unescape(field);
			if (strcmp(field, mount_point))
				return false;
		}
		n++;
	}
	if (n < 5 || !strtok_r(dash + 3, " ", &save)) /* the filesystem's type */
		return false;
	field = strtok_r(NULL, " ", &save);
	if (!field)
		return false;
	unescape(field);
	snprintf(m->source, sizeof m->source, "%s", field);
	return true;
}

int hpl_mount_find(struct hpl_mount *ret, const char *text, const char *mount_point,
	struct hpl_err *err)
{
	bool found = false;

	for (const char *p = text; p && *p;) {
		size_t len = strcspn(p, "\n");
		_cleanup_free_ char *line = strndup(p, len);
		struct hpl_mount m = {0};

		if (!line)
			return HPL_OOM(err);
		if (parse_line(&m, line, mount_point)) {
			*ret = m;
			found = true;
		}
		p += len + (p[len] == '\n');
	}
	if (!found)
		return HPL_FAIL(err, 0, 0, "nothing is mounted at %s", mount_point);
	return 0;
}
