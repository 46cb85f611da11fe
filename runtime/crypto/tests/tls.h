/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A private directory with certificates, made by the openssl program when a test begins:
 * ca, other (a foreign CA), server (DNS:localhost), ip (IP:127.0.0.1, CN log.example), wild
 * (DNS:*.example.test), bare (IP:127.0.0.1, no CN), client, stranger (client of the foreign CA). */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/crypto/log_material.h"

static char tls_dir[64];

__attribute__((unused)) static const char *tls_path(const char *name)
{
	static char paths[16][160];
	static unsigned at;
	char *p = paths[at++ % 16];

	snprintf(p, sizeof(paths[0]), "%s/%s", tls_dir, name);
	return p;
}

/* arguments of openssl, separated by blanks; each %s one argument without blanks */
__attribute__((unused, format(printf, 1, 2))) static void openssl(const char *fmt, ...)
{
	char text[2048];
	const char *argv[64] = {"/usr/bin/openssl"};
	size_t n = 1;
	int status = -1;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *save, *t = strtok_r(text, " ", &save); t; t = strtok_r(NULL, " ", &save))
		argv[n++] = t;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000, .out = &out, .cwd = tls_dir};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0, "openssl: %s", out.data);
}

__attribute__((unused)) static void tls_write(const char *name, const char *text)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_write(tls_path(name), text, strlen(text), 0600, &err), 0, "%s", err.text);
}

__attribute__((unused)) static struct hpl_buf tls_read(const char *name)
{
	struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_read(&b, tls_path(name), 1 << 20, &err), 0, "%s", err.text);
	return b;
}

static void tls_issue(const char *ca, const char *name, const char *subject, const char *san)
{
	char ext[256];

	snprintf(ext, sizeof(ext), "subjectAltName=%s\n", san);
	tls_write("ext", ext);
	openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.csr -subj %s",
		name, name, subject);
	openssl("x509 -req -in %s.csr -CA %s.crt -CAkey %s.key -CAcreateserial -days 2 -sha256"
		" -extfile ext -out %s.crt", name, ca, ca, name);
}

static void tls_ca(const char *name)
{
	openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.crt"
		" -days 2 -sha256 -subj /CN=%s", name, name, name);
}

__attribute__((unused)) static void tls_begin(void)
{
	strcpy(tls_dir, "/tmp/hpl-log-XXXXXX");
	cr_assert(mkdtemp(tls_dir));
	tls_ca("ca");
	tls_ca("other");
	tls_issue("ca", "server", "/CN=localhost", "DNS:localhost");
	tls_issue("ca", "ip", "/CN=log.example", "IP:127.0.0.1");
	tls_issue("ca", "wild", "/CN=wild", "DNS:*.example.test");
	tls_issue("ca", "bare", "/O=nobody", "IP:127.0.0.1");
	tls_issue("ca", "client", "/CN=client", "DNS:client");
	tls_issue("other", "stranger", "/CN=client", "DNS:client");
}

static int tls_remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	return remove(path);
}

__attribute__((unused)) static void tls_end(void)
{
	nftw(tls_dir, tls_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static int tls_parse(struct hpl_log_material *m, const char *ca,
	const char *cert, const char *key, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf a = tls_read(ca), c = tls_read(cert), k = tls_read(key);
	struct hpl_log_input in = {a.data, c.data, k.data, a.len, c.len, k.len};

	return hpl_log_material_parse(m, &in, time(NULL), err);
}

/* A loopback port that was free a moment ago. */
__attribute__((unused)) static unsigned tls_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}
