/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers-policy.json(5). The identity of a reference with a digest is "name@sha256:...", and
 * the most specific scope decides, so that the engine itself refuses another digest of the same
 * repository. Nothing of the contract goes into the file but checked references and base64.
 */
#include <errno.h>

#include "proto/messages.h"
#include "runtime/base/b64.h"
#include "runtime/workload/image_rule.h"

static const char pgp_begin[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/* Appends the key as base64 of what gpg exported; the contract has it once more as base64. */
static int add_key(struct hpl_buf *out, const ProtobufCBinaryData *key, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf plain = HPL_BUF_NULL;

	if (key->len > sizeof(pgp_begin) && memcmp(key->data, pgp_begin, strlen(pgp_begin)) == 0)
		hpl_buf_add(&plain, key->data, key->len);
	else if (hpl_b64_decode(&plain, (const char *)key->data, key->len, HPL_B64_WHITESPACE, err) < 0)
		return -1;
	if (plain.failed)
		return HPL_OOM(err);
	if (!plain.len || !strstr(plain.data, pgp_begin)) {
		HPL_FAIL(err, 0, 0, "publicKey is no armoured OpenPGP public key");
		hpl_err_cure(err, "gpg -a --export KEYID | base64 -w0");
		return -1;
	}
	hpl_b64_encode(out, plain.data, plain.len);
	return 0;
}

static int add_signed(struct hpl_buf *out, const Hpl__RhsImage *image, struct hpl_err *err)
{
	_cleanup_image_ref_ struct hpl_image_ref ref = HPL_IMAGE_REF_NULL;

	if (hpl_image_ref_parse(&ref, image->image, err) < 0)
		return -1;
	hpl_buf_fmt(out, "\"%s", ref.name);
	if (ref.digest)
		hpl_buf_fmt(out, "@%s", ref.digest);
	else if (ref.tag)
		hpl_buf_fmt(out, ":%s", ref.tag);
	hpl_buf_str(out, "\": [{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyData\": \"");
	if (add_key(out, &image->public_key, err) < 0)
		return -1;
	hpl_buf_str(out, "\"}]");
	return 0;
}

static bool is_pinned(const struct hpl_image_rule *r, const char *image)
{
	_cleanup_image_ref_ struct hpl_image_ref ref = HPL_IMAGE_REF_NULL;

	if (hpl_image_ref_parse(&ref, image, NULL) < 0 || !ref.digest)
		return false;
	for (size_t i = 0; i < r->pinned_count; i++)
		if (hpl_streq(r->pinned[i].name, ref.name) &&
			hpl_streq(r->pinned[i].digest, ref.digest))
			return true;
	return false;
}

int hpl_image_policy(struct hpl_buf *out, const struct hpl_image_rule *r, struct hpl_err *err)
{
	const char *sep = "";

	/* containers-storage: the pause image that podman makes itself is read from there */
	hpl_buf_str(out, "{\n \"default\": [{\"type\": \"reject\"}],\n \"transports\": {\n"
		"  \"containers-storage\": {\"\": [{\"type\": \"insecureAcceptAnything\"}]},\n"
		"  \"docker\": {");
	for (size_t i = 0; i < r->pinned_count; i++) {
		hpl_buf_fmt(out, "%s\n   \"%s@%s\": [{\"type\": \"insecureAcceptAnything\"}]", sep,
			r->pinned[i].name, r->pinned[i].digest);
		sep = ",";
	}
	for (size_t i = 0; i < r->slice->n_rhs; i++) {
		/* a digest that the workload uses is accepted by the digest (facts 8.4) */
		if (is_pinned(r, r->slice->rhs[i]->image))
			continue;
		hpl_buf_fmt(out, "%s\n   ", sep);
		sep = ",";
		if (add_signed(out, r->slice->rhs[i], err) < 0) {
			hpl_err_place(err, "contract: workload.images.rhs.%s.publicKey", r->slice->rhs[i]->image);
			return HPL_WRAP(err, HPL_MSG_IMAGE_PLAY_PROCESSING_FAILED, "image '%s'",
				r->slice->rhs[i]->image);
		}
	}
	hpl_buf_str(out, "\n  }\n }\n}\n");
	return out->failed ? HPL_OOM(err) : 0;
}
