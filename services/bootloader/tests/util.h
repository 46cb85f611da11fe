/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the tests: a directory that vanishes, files, and other programs as the oracle. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"

static char dir[] = "/tmp/hpl-boot-XXXXXX";

static inline const char *at(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *p = paths[next++ % 8];

	snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

/* Runs argv (a NULL-terminated list) in the directory; its output, which must not be freed. */
static inline const char *run_in(const void *input, size_t len, int want, const char *const *argv)
{
	static struct hpl_buf out;
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	hpl_buf_clear(&out);
	struct hpl_proc p = {.argv = argv, .cwd = dir, .timeout_ms = 60000, .out = &out, .input = input,
		.input_len = len};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, want, "%s ended with %d: %s", argv[0], status, out.data ? out.data : "");
	return out.data ? out.data : "";
}
#define RUN(...) run_in(NULL, 0, 0, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_IN(text, len, ...) run_in(text, len, 0, (const char *const[]){__VA_ARGS__, NULL})

static inline void put_file(const char *name, const void *data, size_t len)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_write(at(name), data, len, 0600, &err), 0, "%s", err.text);
}
static inline void put_text(const char *name, const char *text)
{
	put_file(name, text, strlen(text));
}
static inline struct hpl_buf get_file(const char *name)
{
	struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_read(&b, at(name), 64 << 20, &err), 0, "%s", err.text);
	return b;
}

static inline void dir_make(void)
{
	cr_assert(mkdtemp(dir));
}
static inline void dir_remove(void)
{
	const char *const argv[] = {"/bin/rm", "-rf", dir, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000};
	int status;

	hpl_proc_run(&p, &status, NULL);
}

/* An RSA key pair made by openssl: NAME.key, NAME.pub, NAME.crt. 2048 bits: made in 0.1 s. */
static inline void make_key(const char *name)
{
	char key[32], pub[32], crt[32];

	snprintf(key, 32, "%s.key", name);
	snprintf(pub, 32, "%s.pub", name);
	snprintf(crt, 32, "%s.crt", name);
	RUN("/usr/bin/openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
		key);
	RUN("/usr/bin/openssl", "pkey", "-in", key, "-pubout", "-out", pub);
	RUN("/usr/bin/openssl", "req", "-new", "-x509", "-key", key, "-subj", "/CN=test", "-days", "100",
		"-out", crt);
}

/* A token made by the documented commands (facts 02): RSA of a password, AES of the text. */
static inline void make_token(struct hpl_buf *out, const char *prefix, const char *key,
	const char *text)
{
	char crt[32];

	snprintf(crt, 32, "%s.crt", key);
	put_text("tok.text", text);
	RUN("/usr/bin/openssl", "rand", "-hex", "-out", "tok.hex", "16");
	struct hpl_buf pass = get_file("tok.hex");
	put_file("tok.pass", pass.data, 32);
	hpl_buf_done(&pass);
	RUN("/usr/bin/openssl", "pkeyutl", "-encrypt", "-inkey", crt, "-certin", "-pkeyopt",
		"rsa_padding_mode:pkcs1", "-in", "tok.pass", "-out", "tok.rsa");
	struct hpl_buf p2 = get_file("tok.pass");
	RUN_IN(p2.data, p2.len, "/usr/bin/openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "stdin",
		"-in", "tok.text", "-out", "tok.aes");
	hpl_buf_done(&p2);
	hpl_buf_fmt(out, "%s.", prefix);
	hpl_buf_str(out, RUN("/usr/bin/openssl", "base64", "-A", "-in", "tok.rsa"));
	hpl_buf_str(out, ".");
	hpl_buf_str(out, RUN("/usr/bin/openssl", "base64", "-A", "-in", "tok.aes"));
}
