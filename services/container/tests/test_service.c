/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "bus/fake/fake.h"
#include "runtime/archive/tests/tar.h"
#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "services/container/container.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_container state;
static char dir[] = "/tmp/hpl-container-XXXXXX";

static char *in_dir(const char *name)
{
	return hpl_path_join(dir, name);
}

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_dir(name);

	cr_assert_eq(hpl_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static char *get(const char *name)
{
	_cleanup_free_ char *path = in_dir(name);
	struct hpl_buf b = HPL_BUF_NULL;

	hpl_file_read(&b, path, 1 << 20, NULL);
	return b.data ? hpl_buf_take(&b, NULL) : strdup("");
}

static void setup(void)
{
	static const char *const paths[][2] = {{"podman", "podman"}, {"podman_compose", "podman-compose"},
		{"compose_dir", "data/compose"}, {"play_dir", "data/play"}, {"play_file", "play.yaml"},
		{"store", "store"}, {"log_socket", "log"}};
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert(mkdtemp(dir));
	fake = hpl_fake_new("container");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *path = in_dir(paths[i][1]);

		if (i < 2)
			cr_assert_eq(symlink(FAKE_ENGINE, path), 0);
		hpl_fake_setting(fake, paths[i][0], path);
	}
	hpl_fake_setting(fake, "shim", SHIM);
	hpl_fake_setting(fake, "stop_s", "1");
	cr_assert_eq(hpl_service_new(&service, &hpl_container_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_container_done(&state);
	uv_run(hpl_fake_loop(fake), UV_RUN_NOWAIT); /* the follower's close callback */
	hpl_service_free(service);
	hpl_fake_free(fake);
}

TestSuite(container_service, .init = setup, .fini = teardown);

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

static const struct {
	const char *source, *topic;
} open_gates[] = {{"contract", "contract.valid"}, {"signature", "signature.verified"},
	{"image", "image.verified"}, {"registry-auth", "registry.ready"},
	{"attestation", "attestation.ready"}};

/* All gates but the one with number skip; storage.ready carries a payload. */
static void send_gates(size_t skip)
{
	Hpl__MountedVolumes m = HPL__MOUNTED_VOLUMES__INIT;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(open_gates); i++)
		if (i != skip)
			hpl_fake_send(fake, open_gates[i].source, open_gates[i].topic, NULL);
	if (skip != HPL_ARRAY_SIZE(open_gates))
		hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &m.base);
}

enum { ALL_GATES = 99 };

static void send_compose(const char *text)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL, b64 = HPL_BUF_NULL;
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	Hpl__EnvVar v = HPL__ENV_VAR__INIT, *list[] = {&v};

	tar_file(&tar, "./docker-compose.yml", text);
	tar_file(&tar, "./conf/app.txt", "setting");
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	hpl_b64_encode(&b64, gz.data, gz.len);
	w.kind = HPL__WORKLOAD_SLICE__KIND__COMPOSE;
	w.compose_archive = (ProtobufCBinaryData){b64.len, (uint8_t *)b64.data};
	v.name = (char *)(uintptr_t)"TOKEN";
	v.value = (ProtobufCBinaryData){9, (uint8_t *)(uintptr_t)"topsecret"};
	w.env = list;
	w.n_env = 1;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_WORKLOAD, &w.base);
}

static void send_play(const char *resource)
{
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	ProtobufCBinaryData b = {strlen(resource), (uint8_t *)(uintptr_t)resource};

	w.kind = HPL__WORKLOAD_SLICE__KIND__PLAY;
	w.resources = &b;
	w.n_resources = 1;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_WORKLOAD, &w.base);
}

static void expect_failure(const char *id, const char *text)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_assert_str_eq(ev->message_id, id, "%s", ev->failure->cause);
	cr_assert(strstr(ev->failure->cause, text), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_WORKLOAD_STARTED), 0);
}

static const char chatter[] = SHIM " run --name=compose_web_1 -d -e TOKEN=topsecret x\nexit code: 0\n";

Test(container_service, compose_is_started_when_all_gates_are_open)
{
	Hpl__Event *ev;
	_cleanup_free_ char *calls = NULL, *env = NULL, *conf = NULL;

	put("compose.out", chatter);
	put("ps.out", "compose_web_1 x Up 1 second ago\n");
	send_gates(ALL_GATES);
	send_compose("services: {}\n");
	ev = hpl_fake_expect(fake, HPL_TOPIC_WORKLOAD_STARTED);
	cr_assert_eq(ev->workload_state->n_containers, 1);
	cr_assert_str_eq(ev->workload_state->containers[0], "compose-web-1");
	hpl__event__free_unpacked(ev, NULL);
	calls = get("calls");
	cr_assert(strstr(calls, " arg -p\n arg compose\n arg -f\n arg docker-compose.yml\n arg up\n arg -d\n"),
		"%s", calls);
	cr_assert(strstr(calls, "data/compose\n"), "runs in the folder");
	cr_assert(strstr(calls, " env REGISTRY_AUTH_FILE=/root/.docker/config.json\n"));
	cr_assert(strstr(calls, " env DISABLE_HC_SYSTEMD=true\n"));
	cr_assert_null(strstr(calls, "topsecret"), "values are in .env only");
	env = get("data/compose/.env");
	cr_assert_str_eq(env, "TOKEN=topsecret\n");
	conf = get("data/compose/conf/app.txt");
	cr_assert_str_eq(conf, "setting");
	cr_assert_eq(hpl_service_status(service), -1, "it stays");
}

Test(container_service, nothing_starts_while_any_gate_is_closed)
{
	for (size_t skip = 0; skip <= HPL_ARRAY_SIZE(open_gates); skip++) {
		_cleanup_free_ char *calls = NULL;

		if (skip) {
			teardown();
			strcpy(dir, "/tmp/hpl-container-XXXXXX");
			state = (struct hpl_container){0};
			setup();
		}
		put("compose.out", chatter);
		put("ps.out", "compose_web_1 x Up 1 second ago\n");
		send_gates(skip);
		send_compose("services: {}\n");
		hpl_fake_settle(fake);
		cr_assert_eq(state.step, HPL_STEP_WAITING, "gate %zu", skip);
		calls = get("calls");
		cr_assert_str_eq(calls, "");
	}
}

Test(container_service, a_refused_pull_fails_with_its_cause)
{
	put("compose.out", SHIM " run --name=compose_web_1 -d x\nexit code: 125\n" SHIM
		" start compose_web_1\nexit code: 125\n");
	put("compose.err", "Trying to pull r/x...\nError: initializing source docker://r/x: unauthorized: "
		"authentication required\nError: no container with name or ID \"compose_web_1\" found\n");
	send_gates(ALL_GATES);
	send_compose("services: {}\n");
	expect_failure("HPL08004E", "compose_web_1 was not started: the registry refuses the credentials");
}

Test(container_service, an_engine_that_fails_is_told_with_its_last_line)
{
	put("compose.err", "Traceback (most recent call last):\nValueError: missing networks: x\n");
	put("compose.status", "1");
	send_gates(ALL_GATES);
	send_compose("services: {}\n");
	expect_failure("HPL08004E", "ValueError: missing networks: x");
}

Test(container_service, a_container_that_was_made_and_not_started_is_a_failure)
{
	put("compose.out", chatter);
	put("ps.out", "compose_web_1 x Up 1 second ago\ncompose_db_1 x Created\n");
	send_gates(ALL_GATES);
	send_compose("services: {}\n");
	expect_failure("HPL08004E", "compose-db-1");
}

static const char pod[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},"
	"\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";

Test(container_service, pods_are_played)
{
	_cleanup_free_ char *calls = NULL, *yaml = NULL;
	Hpl__Event *ev;

	put("ps.out", "p-c i Up 1 second ago\n012345-infra pause Up 1 second ago\n");
	send_gates(ALL_GATES);
	send_play(pod);
	ev = hpl_fake_expect(fake, HPL_TOPIC_WORKLOAD_STARTED);
	cr_assert_str_eq(ev->message_id, "HPL15004I");
	cr_assert_eq(ev->workload_state->n_containers, 1);
	cr_assert_str_eq(ev->workload_state->containers[0], "p-c");
	hpl__event__free_unpacked(ev, NULL);
	calls = get("calls");
	cr_assert(strstr(calls, " arg play\n arg kube\n"), "%s", calls);
	cr_assert(strstr(calls, "data/play\n"), "relative host paths need this folder");
	yaml = get("play.yaml");
	cr_assert(strstr(yaml, "contract.config.map") && strstr(yaml, "\"Pod\""));
}

Test(container_service, a_pod_that_fails_says_so)
{
	put("play.err", "Error: initializing source docker://i: manifest unknown\n");
	put("play.status", "125");
	send_gates(ALL_GATES);
	send_play(pod);
	expect_failure("HPL15005E", "the registry has no such image");
}

Test(container_service, an_unknown_kind_is_refused_before_the_engine)
{
	_cleanup_free_ char *calls = NULL;

	send_gates(ALL_GATES);
	send_play("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d\"}}");
	expect_failure("HPL15002E", "kind 'Deployment' is not supported");
	calls = get("calls");
	cr_assert_str_eq(calls, "");
}

Test(container_service, the_containers_are_stopped_at_the_end)
{
	_cleanup_free_ char *calls = NULL;

	put("compose.out", chatter);
	put("ps.out", "compose_web_1 x Up 1 second ago\n");
	send_gates(ALL_GATES);
	send_compose("services: {}\n");
	hpl__event__free_unpacked(hpl_fake_expect(fake, HPL_TOPIC_WORKLOAD_STARTED), NULL);
	hpl_container_def.stop(service, &state);
	wait_end(0);
	calls = get("calls");
	cr_assert(strstr(calls, " arg stop\n arg --all\n arg --time\n arg 1\n"), "%s", calls);
}
