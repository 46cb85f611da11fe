/* SPDX-License-Identifier: Apache-2.0 */
#include "services/registry-auth/registry_auth.h"

#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/file.h"
#include "runtime/crypto/registry.h"

enum { REGISTRIES_MAX = 256 }; /* a contract with more would not be written by hand or tool */

static int not_written(struct hpl_err *err)
{
	return HPL_WRAP(err, HPL_MSG_REGISTRY_VALIDATE_CONTRACT, "cannot be written");
}

static int make_parent(const char *path, mode_t mode, struct hpl_err *err)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return HPL_OOM(err);
	if (!slash || slash == dir)
		return 0;
	*slash = 0;
	return hpl_mkdir_p(dir, mode, err);
}

static int write_auths(struct hpl_service *s, const Hpl__RegistrySlice *in, struct hpl_err *err)
{
	const char *path = hpl_service_setting(s, "auth_file", "/root/.docker/config.json");
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	_cleanup_free_ struct hpl_credential *list = calloc(in->n_auths + 1, sizeof(*list));

	if (!list)
		return HPL_OOM(err);
	for (size_t i = 0; i < in->n_auths; i++)
		list[i] = (struct hpl_credential){
			.registry = in->auths[i]->registry,
			.username = in->auths[i]->username.data,
			.username_len = in->auths[i]->username.len,
			.password = in->auths[i]->password.data,
			.password_len = in->auths[i]->password.len,
		};
	if (hpl_authfile_make(&out, list, in->n_auths, err) < 0)
		return -1;
	/* what users know the file by; the setting may name another place */
	hpl_log(HPL_SEV_INFO, "Writing auth config: %s", path);
	if (make_parent(path, 0700, err) < 0 || hpl_file_write(path, out.data, out.len, 0600, err) < 0)
		return not_written(err);
	return 0;
}

/* certs_dir/<registry>/ca.crt and nothing else: podman takes a stray file there for half a pair of
 * client certificates and gives up. docker's long name has no TLS of its own. */
static int write_ca(const char *certs_dir, const char *registry, const struct hpl_buf *pem,
	struct hpl_err *err)
{
	char path[512];

	if (strchr(registry, '/'))
		registry = "docker.io";
	if ((size_t)snprintf(path, sizeof(path), "%s/%s/ca.crt", certs_dir, registry) >= sizeof(path))
		return HPL_FAIL(err, HPL_MSG_REGISTRY_VALIDATE_CONTRACT, 0, "path too long");
	if (make_parent(path, 0755, err) < 0 || hpl_file_write(path, pem->data, pem->len, 0644, err) < 0)
		return not_written(err);
	return 0;
}

/* A CA has a free name in the contract, not that of a registry: it counts for every registry. */
static int write_cas(struct hpl_service *s, const Hpl__RegistrySlice *in, struct hpl_err *err)
{
	const char *certs_dir = hpl_service_setting(s, "certs_dir", "/etc/containers/certs.d");
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL;

	for (size_t i = 0; i < in->n_cacerts; i++)
		if (hpl_registry_ca_parse(&pem, in->cacerts[i]->name, in->cacerts[i]->certificate.data,
			    in->cacerts[i]->certificate.len, err) < 0)
			return -1;
	for (size_t i = 0; in->n_cacerts && i < in->n_auths; i++)
		if (write_ca(certs_dir, in->auths[i]->registry, &pem, err) < 0)
			return -1;
	if (in->n_cacerts && !in->n_auths)
		hpl_log(HPL_SEV_WARNING, "cacerts has no effect: auths names no registry");
	return 0;
}

static int on_registry(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	const Hpl__RegistrySlice *in = ev->registry;

	hpl_log(HPL_SEV_INFO, "Starting Registry Authentication ...");
	hpl_log(HPL_SEV_INFO, "Version [" HPL_VERSION "]");
	if (in->n_auths > REGISTRIES_MAX || in->n_cacerts > REGISTRIES_MAX)
		return HPL_FAIL(err, HPL_MSG_REGISTRY_VALIDATE_CONTRACT, 0,
			"more than %d entries in auths or cacerts", REGISTRIES_MAX);
	if (write_auths(s, in, err) < 0 || write_cas(s, in, err) < 0)
		return -1;
	hpl_log(HPL_SEV_INFO, "Registry Authentication started");
	if (hpl_service_publish(s, HPL_TOPIC_REGISTRY_READY, NULL, HPL_MSG_NONE, err) < 0)
		return -1;
	hpl_service_done(s);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_REGISTRY, on_registry},
	{NULL, NULL},
};

const struct hpl_service_def hpl_registry_auth_def = {.name = "registry-auth", .handlers = handlers};
