/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "services/container/container.h"

static void feed(struct hpl_chatter *c, const char *text, struct hpl_buf *log)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		_cleanup_buf_ struct hpl_buf one = HPL_BUF_NULL;

		hpl_chatter_line(c, "/x/podman", text, n, &one);
		if (one.len)
			hpl_buf_fmt(log, "%s\n", one.data);
		text += n + (text[n] == '\n');
	}
}

Test(engine, values_of_the_environment_are_never_logged)
{
	struct hpl_chatter c = HPL_CHATTER_NULL;
	_cleanup_buf_ struct hpl_buf log = HPL_BUF_NULL;

	feed(&c, "using podman version: 4.3.1\n['podman', 'network', 'exists', 'compose_default']\n"
		"/x/podman run --name=compose_web_1 -d -e PASSWORD=topsecret\nmore of topsecret\n"
		"exit code: 0\nusing podman version: 4.3.1\n", &log);
	cr_assert_str_eq(log.data, "using podman version: 4.3.1\npodman run compose_web_1\n"
		"exit code: 0\nusing podman version: 4.3.1\n");
	cr_assert_eq(c.started, 1);
	cr_assert_eq(c.failed[0], 0);
}

Test(engine, a_container_that_neither_runs_nor_starts_has_failed)
{
	struct hpl_chatter c = HPL_CHATTER_NULL;
	_cleanup_buf_ struct hpl_buf log = HPL_BUF_NULL;

	feed(&c, "/x/podman run --name=compose_a_1 -d i\nexit code: 125\n"
		"/x/podman start compose_a_1\nexit code: 0\n", &log);
	cr_assert_eq(c.failed[0], 0, "it was there already and was started");
	feed(&c, "/x/podman run --name=compose_b_1 -d i\nexit code: 125\n"
		"/x/podman start compose_b_1\nexit code: 125\n"
		"/x/podman run --name=compose_c_1 -d i\nexit code: 0\n", &log);
	cr_assert_str_eq(c.failed, "compose_b_1");
}

Test(engine, known_errors_have_cause_and_cure)
{
	static const char *const rows[][2] = {
		{"Error: initializing source docker://r/x: reading manifest: unauthorized: authentication "
		 "required", "refuses the credentials"},
		{"Error: pinging container registry r: Get \"https://r/v2/\": x509: certificate signed by "
		 "unknown authority", "certificate is not trusted"},
		{"Error: reading manifest sha256:00 in r/x: manifest unknown", "no such image"},
		{"Error: dial tcp: lookup r: no such host", "cannot be resolved"},
		{"Error: dial tcp 1.2.3.4:443: connect: connection refused", "cannot be reached"},
		{"Error: Source image rejected: Running image docker://x is rejected by policy.",
		 "not accepted by the image policy"}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++) {
		struct hpl_engine_tail t = {0};
		struct hpl_err err = HPL_ERR_NULL;

		hpl_engine_tail_add(&t, "Trying to pull r/x...", 21);
		hpl_engine_tail_add(&t, rows[i][0], strlen(rows[i][0]));
		for (int k = 0; k < 20; k++)
			hpl_engine_tail_add(&t, "Error: no container with name", 29);
		hpl_engine_tail_to_err(&t, 7, "compose_web_1", &err);
		cr_assert(strstr(err.text, rows[i][1]), "%s", err.text);
		cr_assert(err.cure[0]);
		cr_assert_eq(err.msg, 7);
	}
}

Test(engine, only_the_last_lines_are_kept)
{
	struct hpl_engine_tail t = {0};
	struct hpl_err err = HPL_ERR_NULL;
	char line[600];

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 50; i++)
		hpl_engine_tail_add(&t, line, sizeof(line));
	hpl_engine_tail_add(&t, "last", 4);
	hpl_engine_tail_to_err(&t, 1, "it", &err);
	cr_assert_str_eq(err.text, "it: last");
}

Test(engine, tags_are_the_names_that_compose_gives)
{
	static const char *const rows[][2] = {{"compose_web_1", "compose-web-1"},
		{"compose_my_db_2", "compose-my_db-2"}, {"compose_web", "compose_web"}, {"own", "own"},
		{"compose__1", "compose__1"}, {"pod-ctr", "pod-ctr"}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++) {
		char tag[64];

		hpl_container_tag(tag, sizeof(tag), rows[i][0], true);
		if (!hpl_streq(rows[i][0], "compose__1"))
			cr_assert_str_eq(tag, rows[i][1]);
		hpl_container_tag(tag, sizeof(tag), rows[i][0], false);
		cr_assert_str_eq(tag, rows[i][0]);
	}
}

/* Behind a line's end there may be the rest of an older one. */
static void list_add(struct hpl_container_list *l, const char *line)
{
	char text[200];

	snprintf(text, sizeof(text), "%sond ago", line);
	cr_assert_eq(hpl_container_list_add(l, text, strlen(line), true), 0);
}

Test(engine, the_list_of_containers_leaves_infra_out_and_sees_what_never_ran)
{
	struct hpl_container_list l = {0};

	list_add(&l, "compose_web_1 r/x Up 2 seconds ago");
	list_add(&l, "compose_job_1 r/x Exited (0) 1 second ago");
	list_add(&l, "0123abcd-infra localhost/podman-pause:4 Up 1 second ago");
	list_add(&l, "");
	cr_assert_eq(l.count, 2);
	cr_assert_str_eq(l.tags[1], "compose-job-1");
	cr_assert_eq(l.not_started[0], 0);
	list_add(&l, "compose_db_1 r/x Created");
	cr_assert_str_eq(l.not_started, "compose-db-1");
	hpl_container_list_done(&l);
}
