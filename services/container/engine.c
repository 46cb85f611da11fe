/* SPDX-License-Identifier: Apache-2.0 */
#include "services/container/engine.h"

#include <ctype.h>
#include <stdio.h>

/* More precise rows first: a refused login also says "error pinging registry". */
static const struct {
	const char *pattern;
	struct hpl_engine_cause text;
} known[] = {
	{"unauthorized", {"the registry refuses the credentials",
		"check the user name and password of this registry in auths"}},
	{"authentication required", {"the registry refuses the credentials",
		"give the user name and password of this registry in auths"}},
	{"401 ", {"the registry refuses the credentials",
		"check the user name and password of this registry in auths"}},
	{"denied", {"the registry denies access to the image",
		"check the credentials in auths and the image's name"}},
	{"403 ", {"the registry denies access to the image",
		"check the credentials in auths and the image's name"}},
	{"rejected by policy", {"the image is not accepted by the image policy",
		"name the image by its digest, or give its signing key in workload.images.rhs"}},
	{"ignature", {"the image's signature is missing or does not verify",
		"sign the image with the key that workload.images.rhs names"}},
	{"unknown authority", {"the registry's certificate is not trusted",
		"give the registry's CA certificate in env.cacerts"}},
	{"x509", {"the registry's certificate is not accepted",
		"check the registry's certificate and env.cacerts"}},
	{"server gave HTTP response", {"the registry does not speak TLS",
		"use a registry with TLS"}},
	{"manifest unknown", {"the registry has no such image", "check the image's name and digest"}},
	{"name unknown", {"the registry has no such image", "check the image's name and digest"}},
	{"no such host", {"the registry's name cannot be resolved",
		"check the registry's name and the guest's DNS servers"}},
	{"server misbehaving", {"the registry's name cannot be resolved",
		"check the registry's name and the guest's DNS servers"}},
	{"connection refused", {"the registry cannot be reached",
		"check that the registry runs and that the guest's network leads to it"}},
	{"i/o timeout", {"the registry cannot be reached",
		"check that the registry runs and that the guest's network leads to it"}},
	{"no route to host", {"the registry cannot be reached",
		"check that the registry runs and that the guest's network leads to it"}},
	{"network is unreachable", {"the registry cannot be reached",
		"check that the registry runs and that the guest's network leads to it"}},
	{"no space left", {"the disk is full", "give the guest a larger boot disk"}},
	{"address already in use", {"a port of the host is used twice", "use each host port once"}},
	{"xec format error", {"the image is for another processor",
		"build the image for the guest's architecture"}},
	{"no such file or directory", {"a file or folder that a container needs is not there",
		"check the paths of volumes, and the command"}},
};

const struct hpl_engine_cause *hpl_engine_explain(const char *line)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(known); i++)
		if (strstr(line, known[i].pattern))
			return &known[i].text;
	return NULL;
}

void hpl_engine_tail_add(struct hpl_engine_tail *t, const char *line, size_t len)
{
	char *slot = t->lines[t->count % HPL_ENGINE_LINES];

	if (!len)
		return;
	snprintf(slot, HPL_ENGINE_LINE, "%.*s", (int)(len < HPL_ENGINE_LINE ? len : HPL_ENGINE_LINE - 1),
		line);
	t->count++;
	if (!t->known[0] && strstr(slot, "rror") && hpl_engine_explain(slot))
		memcpy(t->known, slot, sizeof(t->known));
}

void hpl_engine_tail_to_err(const struct hpl_engine_tail *t, uint32_t msg, const char *what,
	struct hpl_err *err)
{
	unsigned n = t->count < HPL_ENGINE_LINES ? t->count : HPL_ENGINE_LINES;
	const char *last = n ? t->lines[(t->count - 1) % HPL_ENGINE_LINES] : "it wrote nothing";
	const struct hpl_engine_cause *k = t->known[0] ? hpl_engine_explain(t->known) : NULL;
	const char *shown = last;

	if (k) {
		HPL_FAIL(err, msg, 0, "%s: %s (%s)", what, k->cause, t->known);
		hpl_err_cure(err, "%s", k->cure);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		const char *line = t->lines[(t->count - n + i) % HPL_ENGINE_LINES];

		if (strstr(line, "Error"))
			shown = line;
	}
	HPL_FAIL(err, msg, 0, "%s: %s", what, shown);
}

static bool starts(const char *line, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(line, prefix, n) == 0;
}

/* Copies a word (up to blank or end) that begins at p. */
static void word(char *out, size_t size, const char *p, const char *end)
{
	size_t n = 0;

	while (p < end && !isspace((unsigned char)*p) && n + 1 < size)
		out[n++] = *p++;
	out[n] = 0;
}

static void command_line(struct hpl_chatter *c, const char *p, const char *end, struct hpl_buf *log)
{
	static const char flag[] = "--name=";

	word(c->command, sizeof(c->command), p, end);
	c->container[0] = 0;
	p += strlen(c->command);
	while (p < end && *p == ' ')
		p++;
	/* run and create: the name is the first argument; start: its only one */
	if (starts(p, (size_t)(end - p), flag))
		word(c->container, sizeof(c->container), p + strlen(flag), end);
	else if (hpl_streq(c->command, "start"))
		word(c->container, sizeof(c->container), p, end);
	hpl_buf_fmt(log, "podman %s %s", c->command, c->container);
}

static void exit_line(struct hpl_chatter *c, const char *p, const char *end, struct hpl_buf *log)
{
	char number[16];
	bool good;

	word(number, sizeof(number), p, end);
	good = hpl_streq(number, "0");
	hpl_buf_fmt(log, "exit code: %s", number);
	/* after a run that failed it tries start, because the container may be there already */
	if (good && (hpl_streq(c->command, "run") || hpl_streq(c->command, "start")))
		c->started++;
	if (!good && hpl_streq(c->command, "start") && !c->failed[0])
		snprintf(c->failed, sizeof(c->failed), "%s", c->container);
	c->command[0] = 0;
}

void hpl_chatter_line(struct hpl_chatter *c, const char *program, const char *line, size_t len,
	struct hpl_buf *log)
{
	static const char code[] = "exit code: ", version[] = "using podman version: ";
	size_t n = strlen(program);

	if (starts(line, len, program) && len > n && line[n] == ' ')
		command_line(c, line + n + 1, line + len, log);
	else if (starts(line, len, code) && c->command[0])
		exit_line(c, line + strlen(code), line + len, log);
	else if (starts(line, len, version) && !c->command[0])
		hpl_buf_add(log, line, len);
}

void hpl_container_tag(char *out, size_t size, const char *name, bool compose)
{
	static const char prefix[] = "compose_";
	const char *last = strrchr(name, '_');

	snprintf(out, size, "%s", name);
	if (!compose || strncmp(name, prefix, strlen(prefix)) != 0 || !last ||
		last < name + strlen(prefix) || !last[1] || strspn(last + 1, "0123456789") != strlen(last + 1))
		return;
	snprintf(out, size, "compose-%.*s-%s", (int)(last - name - (ptrdiff_t)strlen(prefix)),
		name + strlen(prefix), last + 1);
}
