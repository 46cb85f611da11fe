/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/plan.h"

#include <stdio.h>

#include "proto/messages.h"
#include "runtime/crypto/token.h"
#include "schema/key_sources.h"
#include "services/contract/tool/summary.h"

enum { WAIT_MINUTES = 15 }; /* for disks: wait_s of the storage service */

/* A member whose text is put together. */
HPL_PRINTF(3, 4)
static void member(struct hpl_json *j, const char *key, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hpl_json_string(j, key, text);
}

static size_t count_of(const struct hpl_node *n)
{
	return n && n->kind == HPL_MAP ? n->map.count : n && n->kind == HPL_LIST ? n->list.count : 0;
}

static bool section_is_token(const struct hpl_contract *c, const char *name)
{
	size_t len;
	const char *text = hpl_contract_value(c, name, &len);
	return text && hpl_token_looks_like(text, len);
}

bool hpl_plan_is_closed_to_host(const struct hpl_plan *p, const char *section)
{
	return p->opened->delivered && section_is_token(p->opened->delivered, section);
}

/* ---- the order of a boot ---- */

static void step(struct hpl_json *j, const char *who, const char *fmt, ...) HPL_PRINTF(3, 4);
static void step(struct hpl_json *j, const char *who, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "part", who);
	hpl_json_string(j, "does", text);
	hpl_json_close(j, '}');
}

static void boot_steps(struct hpl_json *j, const struct hpl_plan *p, const struct hpl_section *s,
	size_t sections)
{
	const struct hpl_node *logging = hpl_plan_env(p, "logging");
	const struct hpl_node *target = hpl_node_get(logging, "syslog");
	const char *host = hpl_node_get_str(target ? target : hpl_node_get(logging, "logRouter"),
		"hostname");
	bool key = hpl_node_get(hpl_contract_root(p->c), "attestationPublicKey") != NULL;
	size_t tokens = 0;

	for (size_t i = 0; i < sections; i++)
		tokens += s[i].is_token;
	step(j, "bootloader", "opens %zu encrypted section%s, writes and signs the attestation record%s",
		tokens, tokens == 1 ? "" : "s", key ? ", encrypts it for the auditor" : "");
	if (!hpl_contract_env(p->c))
		host = "the host that env names (encrypted)";
	step(j, "network", host ? "sets addresses, waits until %s is reached" : "sets addresses%s",
		host ? host : "");
	step(j, "logging", host ? "sends logs to %s; what was said before is sent then" :
		"keeps the logs in the guest%s", host ? host : "");
	step(j, "contract", "checks the contract for %s", p->product);
}

/* The volumes that are known: those of workload, while that is encrypted those of env, which are the same. */
static const struct hpl_node *volumes_of(const struct hpl_plan *p)
{
	return hpl_contract_workload(p->c) ? hpl_plan_load(p, "volumes") : hpl_plan_env(p, "volumes");
}

static void volume_steps(struct hpl_json *j, const struct hpl_plan *p, size_t volumes)
{
	const struct hpl_node *env = hpl_plan_env(p, "volumes");
	const struct hpl_key_source *source = NULL;
	size_t third = 0;

	for (size_t i = 0; i < count_of(env); i++) {
		const struct hpl_key_source *s = hpl_key_source_of(env->map.entries[i].value);
		third += s != NULL;
		source = s ? s : source; /* the check lets one kind through: the provider that was given */
	}
	if (third)
		step(j, source->service, "gets the third seed of %zu volume%s from its key service; storage has "
			"read before what the disk keeps of it", third, third == 1 ? "" : "s");
	if (third && third < volumes)
		step(j, "luks-passphrase", "makes the passphrase of %zu volume%s of three seeds, of the others of "
			"two", third, third == 1 ? "" : "s");
	else
		step(j, "luks-passphrase", "makes each volume's passphrase of its %sseeds", third ? "three " :
			hpl_contract_env(p->c) ? "two " : "");
	step(j, "storage", "waits up to %d minutes for the disk%s of %zu volume%s, opens or makes "
		"and mounts them; the seeds in the stored contract are masked then", WAIT_MINUTES,
		volumes == 1 ? "" : "s", volumes, volumes == 1 ? "" : "s");
}

static void workload_steps(struct hpl_json *j, const struct hpl_plan *p)
{
	size_t volumes = count_of(volumes_of(p));
	size_t registries = count_of(hpl_plan_load(p, "auths")) + count_of(hpl_plan_env(p, "auths"));
	bool is_signed = hpl_node_get(hpl_contract_root(p->c), "envWorkloadSignature") != NULL;

	step(j, "signature", "%s", is_signed ? "verifies envWorkloadSignature" : "has nothing to verify");
	if (registries)
		step(j, "registry-auth", "writes the registries' credentials for the container engine");
	if (volumes)
		volume_steps(j, p, volumes);
	step(j, "attestation", "lays the evidence out beneath /var/hyperprotect");
	step(j, "image", "refuses images that are neither pinned nor trusted");
	step(j, "container", "pulls the images and starts the containers");
	step(j, "catch", "says that the guest has started; a failure before that ends it");
	if (volumes)
		step(j, "disk-check", "looks each hour whether the volumes are encrypted");
}

static void put_order(struct hpl_plan *p)
{
	const struct hpl_contract *c = p->opened->delivered ? p->opened->delivered : p->c;
	const struct hpl_section *s;
	size_t n = hpl_contract_sections(c, &s);

	hpl_json_open(&p->json, "order", '[');
	boot_steps(&p->json, p, s, n);
	workload_steps(&p->json, p);
	hpl_json_close(&p->json, ']');
}

/* ---- volumes ---- */

/* As services/storage/match.h has it. */
static void put_device(struct hpl_json *j, const char *key, const struct hpl_node *env, size_t volumes)
{
	const char *id = hpl_node_get_str(env, "volumeID"), *name = hpl_node_get_str(env, "volumeName");
	const char *left = volumes == 1 ? "" : " when each other volume has found its own";
	bool own = name && *name && !hpl_streq(name, key);

	if (id && *id)
		member(j, "device", "the disk with the serial or UUID %s, no other", id);
	else
		member(j, "device", "the disk with the serial or LUKS label %s%s%s; else the only disk that "
			"is left%s", own ? name : key, own ? ", else " : "", own ? key : "", left);
}

static void put_seeds(struct hpl_json *j, const char *section, const struct hpl_node *volume,
	const struct hpl_node *tree)
{
	const char *now = hpl_node_get(volume, "seed") ? "current" : NULL;
	const char *before = hpl_node_get(volume, "previousSeed") ? "previous" : NULL;
	if (!tree)
		hpl_json_string(j, section, "not known, the section is encrypted");
	else
		member(j, section, "%s%s%s", now ? now : "none", before ? " and " : "",
			before ? before : "");
}

/* Null: the section that is encrypted may say so. */
static void put_rolled(struct hpl_plan *p, const struct hpl_node *w, const struct hpl_node *e)
{
	bool rolled = hpl_node_get(w, "previousSeed") || hpl_node_get(e, "previousSeed");

	if (rolled || (hpl_contract_workload(p->c) && hpl_contract_env(p->c)))
		hpl_json_bool(&p->json, "rolled", rolled);
	else
		hpl_json_string(&p->json, "rolled", NULL);
}

/* v: NULL while workload is encrypted. */
static void put_volume(struct hpl_plan *p, const char *name, const Hpl__Volume *v, size_t volumes)
{
	const struct hpl_node *w = hpl_node_get(hpl_plan_load(p, "volumes"), name);
	const struct hpl_node *e = hpl_node_get(hpl_plan_env(p, "volumes"), name);
	const struct hpl_key_source *source = hpl_key_source_of(e);
	static const char closed[] = "not known, workload is encrypted";
	struct hpl_json *j = &p->json;

	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "name", name);
	if (hpl_contract_env(p->c))
		put_device(j, name, e, volumes);
	else
		hpl_json_string(j, "device", "not known, env is encrypted");
	hpl_json_string(j, "mount", v ? v->mount : closed);
	hpl_json_string(j, "filesystem", v ? v->filesystem : closed);
	hpl_json_open(j, "seeds", '{');
	put_seeds(j, "workload", w, hpl_contract_workload(p->c));
	put_seeds(j, "env", e, hpl_contract_env(p->c));
	if (source)
		member(j, "third", "of the key provider %s", source->provider);
	hpl_json_close(j, '}');
	put_rolled(p, w, e);
	hpl_json_close(j, '}');
}

static int put_volumes(struct hpl_plan *p, struct hpl_err *err)
{
	const struct hpl_node *volumes = volumes_of(p);
	Hpl__VolumesSlice v;

	if (hpl_slice_volumes(&p->slice, p->c, &v, err) < 0)
		return -1;
	hpl_json_open(&p->json, "volumes", '[');
	for (size_t i = 0; i < count_of(volumes); i++)
		put_volume(p, volumes->map.entries[i].key, i < v.n_volumes ? v.volumes[i] : NULL,
			count_of(volumes));
	hpl_json_close(&p->json, ']');
	return 0;
}

/* ---- maps of both sections, workload wins ---- */

static void put_source(struct hpl_json *j, bool in_workload, bool in_env)
{
	hpl_json_string(j, "from", in_workload ? "workload" : "env");
	hpl_json_string(j, "overrides", in_workload && in_env ? "env" : NULL);
}

static void put_registry(struct hpl_json *j, const struct hpl_entry *e, bool in_workload, bool in_env)
{
	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "registry", e->key);
	hpl_json_string(j, "user", hpl_node_get_str(e->value, "username"));
	put_source(j, in_workload, in_env);
	hpl_json_close(j, '}');
}

static void put_registries(struct hpl_plan *p)
{
	const struct hpl_node *w = hpl_plan_load(p, "auths"), *e = hpl_plan_env(p, "auths");
	const struct hpl_node *ca = hpl_plan_env(p, "cacerts");

	hpl_json_open(&p->json, "registries", '[');
	for (size_t i = 0; i < count_of(w); i++)
		put_registry(&p->json, &w->map.entries[i], true, hpl_node_get(e, w->map.entries[i].key));
	for (size_t i = 0; i < count_of(e); i++) {
		if (!hpl_node_get(w, e->map.entries[i].key))
			put_registry(&p->json, &e->map.entries[i], false, true);
	}
	hpl_json_close(&p->json, ']');
	hpl_json_bool(&p->json, "registry_ca", count_of(ca) > 0);
}

/* ---- logging, signature, attestation ---- */

static int put_logging(struct hpl_plan *p, struct hpl_err *err)
{
	static const char *const kinds[] = {"none", "none", "syslog", "logRouter"};
	struct hpl_json *j = &p->json;
	Hpl__LoggingSlice l;
	Hpl__LogTarget target;

	if (hpl_slice_logging(&p->slice, p->c, &l, &target, err) < 0)
		return -1;
	hpl_json_open(j, "logging", '{');
	if (!hpl_contract_env(p->c)) {
		hpl_json_string(j, "to", "not known, env is encrypted");
	} else {
		hpl_json_string(j, "to", kinds[l.kind]);
		if (*l.hostname) {
			hpl_json_string(j, "host", l.hostname);
			hpl_json_number(j, "port", l.port);
		}
		if (l.kind == HPL__LOGGING_SLICE__KIND__SYSLOG)
			hpl_json_string(j, "tls", l.cert_pem.len && l.key_pem.len ?
				"mutual: the guest shows a certificate" : "the server shows a certificate only");
	}
	hpl_json_close(j, '}');
	return 0;
}

static void put_key(struct hpl_json *j, const char *key, const struct hpl_node *value)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	const char *text = hpl_node_str(value);
	if (text && hpl_token_looks_like(text, value->str.len))
		hpl_buf_str(&b, "encrypted");
	else if (text)
		hpl_summary_key(&b, text, value->str.len);
	hpl_json_string(j, key, text ? b.data : NULL);
}

/* What the check found of the signature: its first fault, error or not. */
static const struct hpl_fault *signature_fault(const struct hpl_plan *p)
{
	for (size_t i = 0; i < p->faults->count; i++) {
		const struct hpl_msg_info *m = hpl_msg_info(p->faults->items[i].msg);
		if (strcmp(m->part, "signature") == 0 && m->severity <= HPL_SEV_ERR)
			return &p->faults->items[i];
	}
	return NULL;
}

static void put_signature(struct hpl_plan *p)
{
	const struct hpl_node *root = hpl_contract_root(p->c), *key = hpl_plan_env(p, "signingKey");
	const struct hpl_node *signature = hpl_node_get(root, "envWorkloadSignature");
	const struct hpl_fault *fault = signature_fault(p);
	_cleanup_buf_ struct hpl_buf end = HPL_BUF_NULL;
	const char *text = hpl_node_str(key);
	EVP_PKEY *pkey = NULL;
	int64_t not_after = 0;

	hpl_json_open(&p->json, "signature", '{');
	hpl_json_bool(&p->json, "signed", signature != NULL);
	if (signature || key) {
		put_key(&p->json, "key", key);
		if (text && hpl_public_key_parse(&pkey, &not_after, text, key->str.len, NULL) == 0)
			EVP_PKEY_free(pkey);
		if (not_after)
			hpl_summary_date(&end, not_after);
		hpl_json_string(&p->json, "expires", not_after ? end.data : NULL);
		hpl_json_string(&p->json, "verified", fault ? fault->text : !key ?
			"not known, env is encrypted" : "yes");
		hpl_json_open(&p->json, "covers", '[');
		hpl_json_string(&p->json, NULL, "workload");
		hpl_json_string(&p->json, NULL, "env");
		hpl_json_close(&p->json, ']');
		hpl_json_open(&p->json, "does_not_cover", '[');
		for (size_t i = 0; i < root->map.count; i++) {
			const char *name = root->map.entries[i].key;
			if (strcmp(name, "workload") != 0 && strcmp(name, "env") != 0 &&
				strcmp(name, "envWorkloadSignature") != 0)
				hpl_json_string(&p->json, NULL, name);
		}
		hpl_json_close(&p->json, ']');
	}
	hpl_json_close(&p->json, '}');
}

static void put_attestation(struct hpl_plan *p)
{
	const struct hpl_node *key = hpl_node_get(hpl_contract_root(p->c), "attestationPublicKey");
	Hpl__AttestationSlice a;

	hpl_slice_attestation(p->c, &a);
	hpl_json_open(&p->json, "attestation", '{');
	hpl_json_string(&p->json, "record", key ? "encrypted: se-checksums.txt.enc" :
		"plain: se-checksums.txt");
	put_key(&p->json, "key", key);
	if (hpl_contract_env(p->c))
		hpl_json_string(&p->json, "layout", a.classic_layout ?
			"classic: containers that mount /var/hyperprotect see the decrypted contract, "
			"without the seeds" : "evidence only");
	else
		hpl_json_string(&p->json, "layout", "not known, env is encrypted");
	hpl_json_close(&p->json, '}');
}

static void put_head(struct hpl_plan *p)
{
	const struct hpl_fault *f = p->faults->count ? &p->faults->items[0] : NULL;
	struct hpl_json *j = &p->json;
	const char *closed;

	hpl_json_string(j, "file", p->opened->file);
	hpl_json_string(j, "product", p->product);
	hpl_json_bool(j, "valid", p->valid);
	if (p->valid || !f)
		hpl_json_string(j, "stops_at", NULL);
	else
		member(j, "stops_at", "%s %s: %s", hpl_msg_info(f->msg)->id, f->path, f->text);
	hpl_json_open(j, "unopened", '[');
	for (size_t i = 0; (closed = hpl_opened_closed(p->opened, i)); i++)
		hpl_json_string(j, NULL, closed);
	hpl_json_close(j, ']');
}

int hpl_plan_make(struct hpl_plan *p, struct hpl_err *err)
{
	if (hpl_slice_workload(&p->slice, p->c, &p->workload, err) < 0)
		return -1;
	hpl_json_open(&p->json, NULL, '{');
	put_head(p);
	put_order(p);
	if (put_volumes(p, err) < 0 || hpl_plan_workload(p, err) < 0)
		return -1;
	put_registries(p);
	if (put_logging(p, err) < 0)
		return -1;
	put_signature(p);
	put_attestation(p);
	hpl_plan_secrets(p);
	hpl_json_close(&p->json, '}');
	return p->json.buf.failed ? HPL_OOM(err) : 0;
}

void hpl_plan_done(struct hpl_plan *p)
{
	hpl_slice_done(&p->slice);
	hpl_json_done(&p->json);
}
