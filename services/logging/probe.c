/* SPDX-License-Identifier: Apache-2.0 */
#include "services/logging/probe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"

#define ID HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG

struct run {
	const struct hpl_probe *p;
	SSL_CTX *ctx;
	SSL *ssl;
	X509 *refused; /* the server's certificate, when it was not accepted */
	bool retry;
	struct hpl_err *err;
};

static bool is_address(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1;
}

static int64_t now_ms(void)
{
	return (int64_t)(hpl_mono_us() / 1000);
}

/* ---- the context: our certificate, their CAs ---- */

static int load_material(SSL_CTX *ctx, const struct hpl_log_material *m)
{
	BIO *ca = BIO_new_mem_buf(m->ca.data, (int)m->ca.len);
	BIO *cert = BIO_new_mem_buf(m->cert.data, (int)m->cert.len);
	BIO *key = BIO_new_mem_buf(m->key.data, (int)m->key.len);
	EVP_PKEY *pkey = key ? PEM_read_bio_PrivateKey(key, NULL, NULL, NULL) : NULL;
	X509 *x = cert ? PEM_read_bio_X509(cert, NULL, NULL, NULL) : NULL;
	int ok = pkey && x && SSL_CTX_use_certificate(ctx, x) == 1 &&
		SSL_CTX_use_PrivateKey(ctx, pkey) == 1;

	X509_free(x);
	EVP_PKEY_free(pkey);
	while (ok && (x = PEM_read_bio_X509(cert, NULL, NULL, NULL)))
		ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
	while (ok && (x = PEM_read_bio_X509(ca, NULL, NULL, NULL))) {
		ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1;
		X509_free(x);
	}
	BIO_free(ca);
	BIO_free(cert);
	BIO_free(key);
	ERR_clear_error();
	return ok;
}

/* Only notes whom it was: after a failed handshake the library has forgotten the certificate. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct run *r = SSL_get_app_data(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);

	if (!ok && !r->refused && leaf && X509_up_ref(leaf))
		r->refused = leaf;
	return ok;
}

static int make_ssl(struct run *r)
{
	X509_VERIFY_PARAM *param;
	int ok;

	r->ctx = SSL_CTX_new(TLS_client_method());
	if (!r->ctx || SSL_CTX_set_min_proto_version(r->ctx, TLS1_2_VERSION) != 1 ||
		!load_material(r->ctx, r->p->material))
		return HPL_FAIL(r->err, ID, 0, "the TLS library refuses the certificates of the contract");
	SSL_CTX_set_verify(r->ctx, SSL_VERIFY_PEER, on_verify);
	r->ssl = SSL_new(r->ctx);
	if (!r->ssl)
		return HPL_OOM(r->err);
	SSL_set_app_data(r->ssl, r);
	param = SSL_get0_param(r->ssl);
	/* an intermediate CA alone is an anchor, as it is for GnuTLS */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (is_address(r->p->hostname))
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, r->p->hostname);
	else
		ok = X509_VERIFY_PARAM_set1_host(param, r->p->hostname, 0) &&
			SSL_set_tlsext_host_name(r->ssl, r->p->hostname);
	return ok ? 0 : HPL_OOM(r->err);
}

/* ---- what the receiver is called ---- */

static void add_name(struct hpl_log_peers *p, const unsigned char *text, size_t len)
{
	if (!len || len >= HPL_LOG_PEER_LEN || p->count == HPL_LOG_PEERS || memchr(text, 0, len))
		return;
	for (size_t i = 0; i < len; i++)
		if (!isascii(text[i]) || (!isalnum(text[i]) && !strchr("._- *", text[i])))
			return;
	memcpy(p->names[p->count], text, len);
	p->names[p->count++][len] = 0;
}

/* DNS names of the certificate, the CN when it has none: what rsyslog compares with. */
static void cert_names(struct hpl_log_peers *ret, X509 *cert)
{
	GENERAL_NAMES *sans = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(cert);
	int at;

	for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(sans, i);

		if (n->type == GEN_DNS)
			add_name(ret, ASN1_STRING_get0_data(n->d.dNSName),
				(size_t)ASN1_STRING_length(n->d.dNSName));
	}
	GENERAL_NAMES_free(sans);
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (!ret->count && at >= 0) {
		const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

		add_name(ret, ASN1_STRING_get0_data(cn), (size_t)ASN1_STRING_length(cn));
	}
}

static void fingerprint(struct hpl_log_peers *ret, X509 *cert)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *out = ret->names[0];

	X509_digest(cert, EVP_sha1(), md, &len); /* the digest that rsyslog compares */
	out += sprintf(out, "SHA1");
	for (unsigned int i = 0; i < len; i++)
		out += sprintf(out, ":%02X", md[i]);
	ret->fingerprint = true;
	ret->count = 1;
}

/* Does the certificate's name (perhaps with one * as first label) stand for the host? */
static bool name_covers(const char *name, const char *host)
{
	const char *dot = strchr(host, '.');

	if (!strcasecmp(name, host))
		return true;
	return name[0] == '*' && name[1] == '.' && dot && !strcasecmp(name + 1, dot);
}

/* The certificate is verified for the host; this is how rsyslog will recognise it again. */
static void choose_peers(struct hpl_log_peers *ret, X509 *cert, const char *host)
{
	struct hpl_log_peers all = {0};
	bool address = is_address(host);

	cert_names(&all, cert);
	*ret = (struct hpl_log_peers){0};
	for (size_t i = 0; i < all.count; i++)
		/* a pattern as permitted peer would let in more than this certificate, so it is
		 * only taken when it is what covers the host */
		if (address ? !strchr(all.names[i], '*') : name_covers(all.names[i], host))
			strcpy(ret->names[ret->count++], all.names[i]);
	if (!ret->count)
		fingerprint(ret, cert);
}

/* ---- failures with cause and cure ---- */

static int fail_net(struct run *r, int sys, const char *what, const char *cure)
{
	r->retry = true;
	HPL_FAIL(r->err, ID, sys, "%s:%u: %s", r->p->hostname, r->p->port, what);
	hpl_err_place(r->err, "contract: env.logging.syslog");
	hpl_err_cure(r->err, "%s", cure);
	return -1;
}

static int fail_verify(struct run *r, long code)
{
	X509 *cert = r->refused;
	struct hpl_log_peers names = {0};
	char issuer[200] = "?";
	const char *host = r->p->hostname;

	if (cert) {
		cert_names(&names, cert);
		X509_NAME_oneline(X509_get_issuer_name(cert), issuer, sizeof(issuer));
	}
	if (code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		HPL_FAIL(r->err, ID, 0, "%s:%u: the server's certificate is not for this host name but for '%s'",
			host, r->p->port, names.count ? names.names[0] : "none");
		hpl_err_cure(r->err, "give the server a certificate with the subjectAltName %s:%s",
			is_address(host) ? "IP" : "DNS", host);
	} else if (code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID) {
		HPL_FAIL(r->err, ID, 0, "%s:%u: server certificate or its CA: %s", host, r->p->port,
			X509_verify_cert_error_string(code));
		hpl_err_cure(r->err, "renew it; check the clocks of both machines");
	} else {
		HPL_FAIL(r->err, ID, 0, "%s:%u: the server's certificate is not trusted: %s (issuer %s)",
			host, r->p->port, X509_verify_cert_error_string(code), issuer);
		hpl_err_cure(r->err, "put the CA that signed the server's certificate into syslog.server");
	}
	hpl_err_place(r->err, "contract: env.logging.syslog.server");
	return -1;
}

/* An alert of the server: reasons from 1000 are alerts (SSL_AD_REASON_OFFSET). */
static int fail_alert(struct run *r, unsigned long code)
{
	const char *reason = ERR_reason_error_string(code);

	HPL_FAIL(r->err, ID, 0, "%s:%u: the server refuses the client certificate or the connection: %s",
		r->p->hostname, r->p->port, reason ? reason : "TLS alert");
	hpl_err_place(r->err, "contract: env.logging.syslog.cert");
	hpl_err_cure(r->err, "use a client certificate signed by a CA that the server trusts, with a "
			     "name that it permits");
	return -1;
}

static int fail_tls(struct run *r, int ssl_error, bool handshake)
{
	unsigned long code = ERR_peek_error();
	long verify = SSL_get_verify_result(r->ssl);
	int sys = errno;

	if (handshake && verify != X509_V_OK)
		return fail_verify(r, verify);
	if (ssl_error == SSL_ERROR_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET)
		return fail_alert(r, code);
	if (!handshake)
		return fail_net(r, 0, "the server closed the connection right after the handshake",
			"look at the server's log: most often it refuses the name of the client certificate");
	if (ssl_error == SSL_ERROR_SSL && ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return fail_net(r, 0, ERR_reason_error_string(code) ? ERR_reason_error_string(code)
								     : "TLS failed",
			"is this port the TLS port of the syslog server?");
	return fail_net(r, ssl_error == SSL_ERROR_SYSCALL ? sys : 0,
		"the connection was closed during the TLS handshake",
		"is this port the TLS port of the syslog server, and does it ask for client certificates?");
}

/* ---- connection, handshake, settling ---- */

/* 1: ready, 0: time is over. */
static int wait_fd(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = events};
		int64_t left = deadline - now_ms();
		int n;

		if (left <= 0)
			return 0;
		n = poll(&pfd, 1, (int)left);
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return 0;
	}
}

static int connect_one(struct run *r, const struct addrinfo *a, int64_t deadline)
{
	_cleanup_close_ int fd =
		socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	int sys = 0;
	socklen_t len = sizeof(sys);

	if (fd < 0)
		return fail_net(r, errno, "no socket", "");
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		return fail_net(r, errno, "cannot connect", "is the address right, is there a route to it?");
	if (!wait_fd(fd, POLLOUT, deadline))
		return fail_net(r, 0, "no answer to the connection (timeout)",
			"check address, port, and firewalls on the way");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0 || sys)
		return fail_net(r, sys, "cannot connect", "does the syslog server listen on this port?");
	return hpl_take_fd(&fd);
}

/* Runs one TLS step (connect or read) until it ends. 1: done, 0: time over, -1: failed (SSL error
 * in *ret_error). */
static int step(struct run *r, int fd, bool handshake, int64_t deadline, int *ret_error)
{
	for (;;) {
		char byte;
		int n, e;

		ERR_clear_error();
		errno = 0;
		n = handshake ? SSL_connect(r->ssl) : SSL_read(r->ssl, &byte, 1);
		if (n > 0)
			return 1;
		e = SSL_get_error(r->ssl, n);
		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
			*ret_error = e;
			return -1;
		}
		if (!wait_fd(fd, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
			return 0;
	}
}

static int handshake(struct run *r, int fd, int64_t deadline, struct hpl_log_peers *ret)
{
	int e = 0, n;

	if (SSL_set_fd(r->ssl, fd) != 1)
		return HPL_OOM(r->err);
	n = step(r, fd, true, deadline, &e);
	if (n == 0)
		return fail_net(r, 0, "the server accepted the connection but gave no TLS answer (timeout)",
			"is this port the TLS port of the syslog server, and is the server alive?");
	if (n < 0)
		return fail_tls(r, e, true);
	n = step(r, fd, false, now_ms() + r->p->settle_ms, &e);
	if (n < 0)
		return fail_tls(r, e, false);
	choose_peers(ret, SSL_get0_peer_certificate(r->ssl), r->p->hostname);
	SSL_shutdown(r->ssl);
	return 0;
}

static int try_address(struct run *r, const struct addrinfo *a, struct hpl_log_peers *ret)
{
	int64_t deadline = now_ms() + r->p->timeout_ms;
	_cleanup_close_ int fd = -1;
	int rc;

	*r->err = HPL_ERR_NULL;
	r->retry = false;
	fd = connect_one(r, a, deadline);
	if (fd < 0)
		return -1;
	rc = make_ssl(r);
	if (rc == 0)
		rc = handshake(r, fd, deadline, ret);
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	X509_free(r->refused);
	r->refused = NULL;
	r->ssl = NULL;
	r->ctx = NULL;
	ERR_clear_error();
	return rc;
}

int hpl_probe_run(const struct hpl_probe *p, struct hpl_log_peers *ret_peers, bool *ret_retry,
	struct hpl_err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
	struct hpl_err own = HPL_ERR_NULL;
	struct run r = {.p = p, .err = err ? err : &own};
	char port[16];
	int rc;

	snprintf(port, sizeof(port), "%u", p->port);
	rc = getaddrinfo(p->hostname, port, &hints, &list);
	if (rc) {
		fail_net(&r, rc == EAI_SYSTEM ? errno : 0, gai_strerror(rc),
			"check the host name and the name servers of the network");
		HPL_WRAP(r.err, 0, "name lookup failed");
		*ret_retry = true;
		return -1;
	}
	rc = -1;
	for (const struct addrinfo *a = list; a && rc < 0; a = a->ai_next)
		if ((rc = try_address(&r, a, ret_peers)) == 0 && a != list &&
			getnameinfo(a->ai_addr, a->ai_addrlen, ret_peers->address,
				sizeof(ret_peers->address), NULL, 0, NI_NUMERICHOST))
			ret_peers->address[0] = 0;
	freeaddrinfo(list);
	*ret_retry = r.retry;
	return rc;
}
