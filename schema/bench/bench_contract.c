/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the contract library for integration/bench-contract; each mode prints one JSON line.
 *
 *   check FILE           {"errors": N}
 *   tree FILE            the tree that the schema parts are applied to, as JSON
 *   parts                names of the parts that make the product hpvs
 *   validate FILE MS     ns of one validation, by schema parts alone, with our rules, with reading
 *   read FILE MS         ns of one reading, and of libyaml's events over the same texts
 *   process N PROG ARG...  wall time and processor time of N runs, and the largest resident size
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <yaml.h>

#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "schema/compose.h"

extern char **environ;

static struct hpl_buf file;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_contract: %s\n", what);
	exit(1);
}

static struct hpl_contract *read_contract(void)
{
	struct hpl_contract *c;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_contract_read(&c, "contract", file.data, file.len, true, &err) < 0)
		die(err.text);
	return c;
}

/* What ajv and jsonschema do as well: every part on the whole tree. */
static int by_parts(struct hpl_contract *c)
{
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int bad = 0;

	for (const char *const *p = hpl_product_parts(HPL_PRODUCT_HPVS); *p; p++) {
		const struct hpl_schema *s;
		int rc = hpl_part_schema(&s, *p, &err) < 0 ? -1 :
			hpl_schema_validate(s, &c->whole, "", 0, &faults, &err);
		if (rc < 0)
			die(err.text);
		bad |= rc;
	}
	hpl_faults_done(&faults);
	return bad;
}

static int by_all(struct hpl_contract *c)
{
	struct hpl_validate_options o = {HPL_PRODUCT_HPVS, false};
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_contract_validate(c, &o, &faults, &err);

	if (rc < 0)
		die(err.text);
	hpl_faults_done(&faults);
	return rc;
}

static int reading(struct hpl_contract *unused)
{
	hpl_contract_free(read_contract());
	return 0;
}

static int all_with_reading(struct hpl_contract *unused)
{
	struct hpl_contract *c = read_contract();
	int rc = by_all(c);

	hpl_contract_free(c);
	return rc;
}

static int events(const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!end) {
		if (!yaml_parser_parse(&parser, &event))
			die("libyaml refuses the contract");
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return 0;
}

/* The least that anyone on libyaml has to do: the file, then the two sections in it. */
static int libyaml_alone(struct hpl_contract *c)
{
	static const char *const sections[] = {"workload", "env"};

	events(file.data, file.len);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(sections); i++) {
		size_t len;
		const char *text = hpl_contract_value(c, sections[i], &len);
		if (text)
			events(text, len);
	}
	return 0;
}

/* Median of the batches that fit in ms, in ns for one call; one batch takes about 5 ms. */
static double measure(int (*fn)(struct hpl_contract *), struct hpl_contract *c, int ms)
{
	enum { BATCHES = 10000 };
	static double ns[BATCHES];
	uint64_t begin = now_ns(), once;
	size_t count = 0, per;

	fn(c);
	once = now_ns();
	fn(c);
	once = now_ns() - once;
	per = once < 5000000 ? 5000000 / (once ? once : 1) : 1;
	while (count < 3 || (count < BATCHES && now_ns() - begin < (uint64_t)ms * 1000000)) {
		uint64_t t = now_ns();
		size_t at = count++;

		for (size_t i = 0; i < per; i++)
			fn(c);
		double v = (double)(now_ns() - t) / (double)per;
		for (; at && ns[at - 1] > v; at--)
			ns[at] = ns[at - 1];
		ns[at] = v;
	}
	return ns[count / 2];
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* By a small parent: the largest size of a child counts what it was before its exec as well. */
static void process(int n, char **argv)
{
	uint64_t *ns = calloc((size_t)n, sizeof(*ns));
	posix_spawn_file_actions_t quiet;
	struct rusage all;

	if (!ns || n < 1)
		die("no memory");
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < n; i++) {
		uint64_t t = now_ns();
		int status;
		pid_t pid;

		if (posix_spawn(&pid, argv[0], &quiet, NULL, argv, environ) || waitpid(pid, &status, 0) != pid)
			die("cannot run it");
		ns[i] = now_ns() - t;
		if (status)
			die("it did not say valid");
	}
	getrusage(RUSAGE_CHILDREN, &all);
	qsort(ns, (size_t)n, sizeof(*ns), by_time);
	double cpu = (double)(all.ru_utime.tv_sec + all.ru_stime.tv_sec) * 1e9 +
		(double)(all.ru_utime.tv_usec + all.ru_stime.tv_usec) * 1e3;
	printf("{\"ns\": %llu, \"cpu\": %.0f, \"kib\": %ld}\n", (unsigned long long)ns[n / 2], cpu / n,
		all.ru_maxrss);
	free(ns);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	_cleanup_buf_ struct hpl_buf json = HPL_BUF_NULL;
	struct hpl_contract *c;

	if (hpl_streq(mode, "parts")) {
		for (const char *const *p = hpl_product_parts(HPL_PRODUCT_HPVS); *p; p++)
			puts(*p);
		return 0;
	}
	if (hpl_streq(mode, "process") && argc > 3) {
		process(atoi(argv[2]), argv + 3);
		return 0;
	}
	if (argc < 3 || hpl_file_read(&file, argv[2], 16 << 20, NULL) < 0)
		die("usage: see the head of the source");
	c = read_contract();
	int ms = argc > 3 ? atoi(argv[3]) : 300;
	if (hpl_streq(mode, "check"))
		printf("{\"parts\": %s, \"all\": %s}\n", by_parts(c) ? "false" : "true", by_all(c) ? "false" : "true");
	else if (hpl_streq(mode, "tree"))
		hpl_node_to_json(&json, &c->whole), puts(json.data);
	else if (hpl_streq(mode, "validate"))
		printf("{\"parts\": %.0f, \"all\": %.0f, \"reading\": %.0f}\n", measure(by_parts, c, ms),
			measure(by_all, c, ms), measure(all_with_reading, c, ms));
	else if (hpl_streq(mode, "read"))
		printf("{\"bytes\": %zu, \"ours\": %.0f, \"libyaml\": %.0f}\n", file.len, measure(reading, c, ms),
			measure(libyaml_alone, c, ms));
	else
		die("usage: see the head of the source");
	hpl_contract_free(c);
	hpl_parts_free();
	hpl_buf_done(&file);
	return 0;
}
