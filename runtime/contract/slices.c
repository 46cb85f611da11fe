/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/contract/slices.h"

#include <errno.h>

#include "runtime/base/buf.h"
#include "runtime/base/key_limits.h"
#include "runtime/base/secret.h"
#include "schema/mounts.h"

enum { PORT_SYSLOG = 6514, PORT_LOG_ROUTER = 443, PROVIDER_DEFAULT_S = 600 };

struct hpl_slice_piece {
	struct hpl_slice_piece *next;
	size_t size;
	_Alignas(16) char data[];
};

static void *piece(struct hpl_slice *s, size_t count, size_t size, struct hpl_err *err)
{
	struct hpl_slice_piece *p = NULL;
	if (count < SIZE_MAX / 2 / (size + 1))
		p = calloc(1, sizeof(*p) + count * size + 1);
	if (!p) {
		HPL_OOM(err);
		return NULL;
	}
	p->size = count * size;
	p->next = s->pieces;
	s->pieces = p;
	return p->data;
}

void hpl_slice_done(struct hpl_slice *s)
{
	while (s->pieces) {
		struct hpl_slice_piece *p = s->pieces;
		s->pieces = p->next;
		hpl_wipe(p->data, p->size);
		free(p);
	}
}

static ProtobufCBinaryData bytes_of(const struct hpl_node *n)
{
	if (!n || n->kind != HPL_STRING)
		return (ProtobufCBinaryData){0, NULL};
	return (ProtobufCBinaryData){n->str.len, (uint8_t *)n->str.text};
}

static int copy_json(struct hpl_slice *s, const struct hpl_buf *json, ProtobufCBinaryData *ret,
	struct hpl_err *err)
{
	char *copy = json->failed ? NULL : piece(s, json->len, 1, err);

	if (!copy)
		return HPL_OOM(err);
	memcpy(copy, json->data, json->len);
	*ret = (ProtobufCBinaryData){json->len, (uint8_t *)copy};
	return 0;
}

/* protobuf strings are never NULL */
static char *text_of(const struct hpl_node *map, const char *key, const char *fallback)
{
	const char *t = hpl_node_get_str(map, key);
	return (char *)(t ? t : fallback);
}

static size_t entries_of(const struct hpl_node *map, const struct hpl_entry **ret)
{
	*ret = map && map->kind == HPL_MAP ? map->map.entries : NULL;
	return *ret ? map->map.count : 0;
}

/* An array of count messages and the array of pointers to them that protobuf-c wants. */
#define MESSAGES(s, count, type, init, ret_pointers, err)                                          \
	__extension__({                                                                            \
		type *msgs_ = piece((s), (count), sizeof(type), (err));                            \
		type **ptrs_ = msgs_ ? piece((s), (count), sizeof(type *), (err)) : NULL;           \
		for (size_t i_ = 0; ptrs_ && i_ < (count); i_++) {                                 \
			init(&msgs_[i_]);                                                          \
			ptrs_[i_] = &msgs_[i_];                                                    \
		}                                                                                  \
		*(ret_pointers) = ptrs_;                                                           \
		ptrs_ ? msgs_ : NULL;                                                              \
	})

/* ---- logging ---- */

static bool logging_usable(const struct hpl_contract *c, int *ret_rc, struct hpl_err *err)
{
	static const char path[] = "env.logging";
	struct hpl_faults f = {0};
	bool usable = true;

	*ret_rc = hpl_contract_validate_part(c, "logging", &f, err);
	for (size_t i = 0; i < f.count; i++)
		usable &= !hpl_fault_is_error(&f.items[i]) ||
			strncmp(f.items[i].path, path, sizeof(path) - 1) != 0;
	hpl_faults_done(&f);
	return *ret_rc >= 0 && usable;
}

static void fill_syslog(const struct hpl_node *syslog, Hpl__LoggingSlice *ret)
{
	ret->kind = HPL__LOGGING_SLICE__KIND__SYSLOG;
	ret->server_pem = bytes_of(hpl_node_get(syslog, "server"));
	ret->cert_pem = bytes_of(hpl_node_get(syslog, "cert"));
	ret->key_pem = bytes_of(hpl_node_get(syslog, "key"));
}

static int fill_router(struct hpl_slice *s, const struct hpl_node *router, Hpl__LoggingSlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *tags = hpl_node_get(router, "tags");
	ret->kind = HPL__LOGGING_SLICE__KIND__LOG_ROUTER;
	ret->iam_api_key = bytes_of(hpl_node_get(router, "iamApiKey"));
	if (!tags || tags->kind != HPL_LIST)
		return 0;
	ret->tags = piece(s, tags->list.count, sizeof(char *), err);
	if (!ret->tags)
		return -1;
	for (size_t i = 0; i < tags->list.count; i++)
		ret->tags[i] = (char *)tags->list.items[i]->str.text;
	ret->n_tags = tags->list.count;
	return 0;
}

int hpl_slice_logging(struct hpl_slice *s, const struct hpl_contract *c, Hpl__LoggingSlice *ret,
	Hpl__LogTarget *ret_target, struct hpl_err *err)
{
	const struct hpl_node *logging = hpl_node_get(hpl_contract_env(c), "logging"), *target;
	int64_t port = 0;
	int rc;

	hpl__logging_slice__init(ret);
	hpl__log_target__init(ret_target);
	ret->kind = HPL__LOGGING_SLICE__KIND__NONE;
	if (!logging || !logging_usable(c, &rc, err))
		return logging && rc < 0 ? -1 : 0;
	target = hpl_node_get(logging, "syslog");
	if (target) {
		fill_syslog(target, ret);
	} else {
		target = hpl_node_get(logging, "logRouter");
		if (!target) /* logDNA of a contract in legacy mode: the service has ended */
			return 0;
		if (fill_router(s, target, ret, err) < 0)
			return -1;
	}
	if (!hpl_node_get_int(target, "port", &port))
		port = ret->kind == HPL__LOGGING_SLICE__KIND__SYSLOG ? PORT_SYSLOG : PORT_LOG_ROUTER;
	ret->hostname = ret_target->hostname = text_of(target, "hostname", "");
	ret->port = ret_target->port = (uint32_t)port;
	return 0;
}

/* ---- registries ---- */

static int fill_auths(struct hpl_slice *s, const struct hpl_contract *c, Hpl__RegistrySlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *over = hpl_node_get(hpl_contract_workload(c), "auths");
	const struct hpl_node *base = hpl_node_get(hpl_contract_env(c), "auths");
	const struct hpl_entry *o, *b;
	size_t no = entries_of(over, &o), nb = entries_of(base, &b);
	Hpl__RegistryAuth *m = MESSAGES(s, no + nb, Hpl__RegistryAuth, hpl__registry_auth__init,
		&ret->auths, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < nb + no; i++) {
		const struct hpl_entry *e = i < nb ? &b[i] : &o[i - nb];
		if (i < nb && hpl_node_get(over, e->key))
			continue;
		Hpl__RegistryAuth *a = &m[ret->n_auths++];
		a->registry = (char *)e->key;
		a->username = bytes_of(hpl_node_get(e->value, "username"));
		a->password = bytes_of(hpl_node_get(e->value, "password"));
	}
	return 0;
}

static int fill_cacerts(struct hpl_slice *s, const struct hpl_contract *c, Hpl__RegistrySlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *list = hpl_node_get(hpl_contract_env(c), "cacerts");
	const struct hpl_entry *e;
	size_t count = 0;
	size_t items = list && list->kind == HPL_LIST ? list->list.count : 0;
	for (size_t i = 0; i < items; i++)
		count += entries_of(list->list.items[i], &e);
	Hpl__RegistryCa *m = MESSAGES(s, count, Hpl__RegistryCa, hpl__registry_ca__init,
		&ret->cacerts, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < items; i++) {
		size_t n = entries_of(list->list.items[i], &e);
		for (size_t k = 0; k < n; k++) {
			Hpl__RegistryCa *ca = &m[ret->n_cacerts++];
			ca->name = (char *)e[k].key;
			ca->certificate = bytes_of(e[k].value);
		}
	}
	return 0;
}

int hpl_slice_registry(struct hpl_slice *s, const struct hpl_contract *c, Hpl__RegistrySlice *ret,
	struct hpl_err *err)
{
	hpl__registry_slice__init(ret);
	return fill_auths(s, c, ret, err) < 0 ? -1 : fill_cacerts(s, c, ret, err);
}

/* ---- signature, attestation ---- */

void hpl_slice_signing(const struct hpl_contract *decrypted, const struct hpl_contract *delivered,
	Hpl__SigningSlice *ret)
{
	const struct hpl_node *key = hpl_node_get(hpl_contract_env(decrypted), "signingKey");
	/* a token is a signature that was encrypted too: its text is in the decrypted contract */
	const struct hpl_node *root = hpl_contract_root(delivered);
	const struct hpl_node *signature = hpl_node_get(hpl_contract_root(decrypted),
		"envWorkloadSignature");

	hpl__signing_slice__init(ret);
	ret->has_signing_key = key != NULL;
	ret->signing_key = bytes_of(key);
	ret->has_signature = signature != NULL;
	ret->uncovered_key = hpl_node_get(root, "attestationPublicKey") != NULL;
	ret->signature = bytes_of(signature);
	ret->workload = bytes_of(hpl_node_get(root, "workload"));
	ret->env = bytes_of(hpl_node_get(root, "env"));
}

void hpl_slice_attestation(const struct hpl_contract *c, Hpl__AttestationSlice *ret)
{
	const struct hpl_node *a = hpl_node_get(hpl_contract_env(c), "attestation");
	hpl__attestation_slice__init(ret);
	ret->classic_layout = hpl_streq(hpl_node_get_str(a, "layout"), "classic");
}

/* ---- third seeds ---- */

/* kmsTimeout is in minutes (facts 7.4). */
static uint32_t provider_s(const struct hpl_node *volume)
{
	int64_t minutes;

	return hpl_node_get_int(volume, "kmsTimeout", &minutes) ? (uint32_t)minutes * 60 :
		PROVIDER_DEFAULT_S;
}

static void add_member(struct hpl_buf *out, const struct hpl_node *volume, const char *key)
{
	const struct hpl_node *n = key ? hpl_node_get(volume, key) : NULL;

	if (!n)
		return;
	hpl_buf_fmt(out, "%s\"%s\":", out->len ? "," : "{", key);
	hpl_node_to_json(out, n);
}

static int fill_parameters(struct hpl_slice *s, const struct hpl_node *volume,
	const struct hpl_key_source *source, ProtobufCBinaryData *ret, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1};

	add_member(&json, volume, source->key);
	add_member(&json, volume, source->other);
	hpl_buf_str(&json, "}");
	return copy_json(s, &json, ret, err);
}

int hpl_slice_key_requests(struct hpl_slice *s, const struct hpl_contract *c,
	const struct hpl_key_source *source, Hpl__KeyRequests *ret, struct hpl_err *err)
{
	const struct hpl_entry *e;
	size_t count = entries_of(hpl_node_get(hpl_contract_env(c), "volumes"), &e);

	hpl__key_requests__init(ret);
	ret->version = HPL_KEY_VERSION;
	Hpl__KeyRequest *m = MESSAGES(s, count, Hpl__KeyRequest, hpl__key_request__init,
		&ret->volumes, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < count; i++) {
		Hpl__KeyRequest *r = &m[ret->n_volumes];

		if (hpl_key_source_of(e[i].value) != source)
			continue;
		r->volume = (char *)e[i].key;
		r->timeout_s = provider_s(e[i].value);
		if (fill_parameters(s, e[i].value, source, &r->parameters, err) < 0)
			return -1;
		ret->n_volumes++;
	}
	return 0;
}

/* ---- volumes ---- */

int hpl_slice_volumes(struct hpl_slice *s, const struct hpl_contract *c, Hpl__VolumesSlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *env = hpl_node_get(hpl_contract_env(c), "volumes");
	const struct hpl_entry *e;
	size_t count = entries_of(hpl_node_get(hpl_contract_workload(c), "volumes"), &e);

	hpl__volumes_slice__init(ret);
	Hpl__Volume *m = MESSAGES(s, count, Hpl__Volume, hpl__volume__init, &ret->volumes, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct hpl_node *other = hpl_node_get(env, e[i].key);
		m[i].name = (char *)e[i].key;
		m[i].mount = text_of(e[i].value, "mount", HPL_MOUNT_DEFAULT);
		m[i].filesystem = text_of(e[i].value, "filesystem", "ext4");
		m[i].volume_id = text_of(other, "volumeID", "");
		m[i].volume_name = text_of(other, "volumeName", "");
		if (hpl_key_source_of(other))
			m[i].provider = (char *)hpl_key_source_of(other)->service;
	}
	ret->n_volumes = count;
	return 0;
}

int hpl_slice_seeds(struct hpl_slice *s, const struct hpl_contract *c, Hpl__SeedsSlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *env = hpl_node_get(hpl_contract_env(c), "volumes");
	const struct hpl_entry *e;
	size_t count = entries_of(hpl_node_get(hpl_contract_workload(c), "volumes"), &e);

	hpl__seeds_slice__init(ret);
	Hpl__VolumeSeeds *m = MESSAGES(s, count, Hpl__VolumeSeeds, hpl__volume_seeds__init,
		&ret->volumes, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct hpl_node *other = hpl_node_get(env, e[i].key);
		const struct hpl_key_source *source = hpl_key_source_of(other);
		m[i].volume = (char *)e[i].key;
		m[i].env_seed = bytes_of(hpl_node_get(other, "seed"));
		m[i].env_previous = bytes_of(hpl_node_get(other, "previousSeed"));
		m[i].workload_seed = bytes_of(hpl_node_get(e[i].value, "seed"));
		m[i].workload_previous = bytes_of(hpl_node_get(e[i].value, "previousSeed"));
		if (source) {
			m[i].provider = (char *)source->service;
			m[i].provider_s = provider_s(other);
		}
	}
	ret->n_volumes = count;
	return 0;
}

/* ---- workload ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(Hpl__EnvVar *const *)a)->name, (*(Hpl__EnvVar *const *)b)->name);
}

static int fill_env(struct hpl_slice *s, const struct hpl_contract *c, Hpl__WorkloadSlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *over = hpl_node_get(hpl_contract_workload(c), "env");
	const struct hpl_entry *o, *b;
	size_t no = entries_of(over, &o);
	size_t nb = entries_of(hpl_node_get(hpl_contract_env(c), "env"), &b);
	Hpl__EnvVar *m = MESSAGES(s, no + nb, Hpl__EnvVar, hpl__env_var__init, &ret->env, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < nb + no; i++) {
		const struct hpl_entry *e = i < nb ? &b[i] : &o[i - nb];
		if (i < nb && hpl_node_get(over, e->key))
			continue;
		Hpl__EnvVar *v = &m[ret->n_env++];
		v->name = (char *)e->key;
		v->value = bytes_of(e->value);
	}
	qsort(ret->env, ret->n_env, sizeof(*ret->env), by_name);
	return 0;
}

static int fill_resources(struct hpl_slice *s, const struct hpl_node *list, size_t *ret_count,
	ProtobufCBinaryData **ret, struct hpl_err *err)
{
	size_t count = list && list->kind == HPL_LIST ? list->list.count : 0;
	ProtobufCBinaryData *out = piece(s, count, sizeof(*out), err);
	if (!out)
		return -1;
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct hpl_buf json = {.wipe = 1};
		hpl_node_to_json(&json, list->list.items[i]);
		if (copy_json(s, &json, &out[i], err) < 0)
			return -1;
	}
	*ret = out;
	*ret_count = count;
	return 0;
}

int hpl_slice_workload(struct hpl_slice *s, const struct hpl_contract *c, Hpl__WorkloadSlice *ret,
	struct hpl_err *err)
{
	const struct hpl_node *w = hpl_contract_workload(c);
	const struct hpl_node *compose = hpl_node_get(w, "compose"), *play = hpl_node_get(w, "play");

	hpl__workload_slice__init(ret);
	ret->kind = compose ? HPL__WORKLOAD_SLICE__KIND__COMPOSE : play ?
		HPL__WORKLOAD_SLICE__KIND__PLAY : HPL__WORKLOAD_SLICE__KIND__CONFIDENTIAL_CONTAINERS;
	ret->compose_archive = bytes_of(hpl_node_get(compose, "archive"));
	ret->play_archive = bytes_of(hpl_node_get(play, "archive"));
	if (fill_resources(s, hpl_node_get(play, "resources"), &ret->n_resources, &ret->resources,
		err) < 0 ||
		fill_resources(s, hpl_node_get(play, "templates"), &ret->n_templates, &ret->templates,
		err) < 0)
		return -1;
	return fill_env(s, c, ret, err);
}

int hpl_slice_images(struct hpl_slice *s, const struct hpl_contract *c, Hpl__WorkloadSlice *workload,
	Hpl__ImagesSlice *ret, struct hpl_err *err)
{
	const struct hpl_node *images = hpl_node_get(hpl_contract_workload(c), "images");
	const struct hpl_entry *d, *r;
	size_t nd = entries_of(hpl_node_get(images, "dct"), &d);
	size_t nr = entries_of(hpl_node_get(images, "rhs"), &r);

	hpl__images_slice__init(ret);
	ret->workload = workload;
	Hpl__DctImage *dct = MESSAGES(s, nd, Hpl__DctImage, hpl__dct_image__init, &ret->dct, err);
	Hpl__RhsImage *rhs = MESSAGES(s, nr, Hpl__RhsImage, hpl__rhs_image__init, &ret->rhs, err);
	if (!dct || !rhs)
		return -1;
	for (size_t i = 0; i < nd; i++) {
		dct[i].image = (char *)d[i].key;
		dct[i].notary = text_of(d[i].value, "notary", "");
		dct[i].public_key = bytes_of(hpl_node_get(d[i].value, "publicKey"));
	}
	for (size_t i = 0; i < nr; i++) {
		rhs[i].image = (char *)r[i].key;
		rhs[i].public_key = bytes_of(hpl_node_get(r[i].value, "publicKey"));
	}
	ret->n_dct = nd;
	ret->n_rhs = nr;
	return 0;
}
