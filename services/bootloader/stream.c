// SPDX-License-Identifier: Apache-2.0
/*
 * A ring of blocks between one reader thread and one consumer. The reader hashes a block before it
 * hands it over, so the hash is over exactly the bytes that the consumer sees, whatever the device
 * answers to a second read.
 */
#include "services/bootloader/stream.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>

enum { BLOCK = 256 << 10, BLOCKS = 8 };

struct hpl_stream {
	int fd;
	uint64_t limit, total;
	EVP_MD_CTX *md;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *data;              /* BLOCKS blocks */
	size_t len[BLOCKS];
	unsigned head, tail;     /* blocks filled by the reader, given back by the consumer */
	int held;                /* the consumer has the block at tail */
	int end, stop;
	struct hpl_err err;
	int failed;
};

static ssize_t read_block(struct hpl_stream *s, char *to)
{
	size_t have = 0;

	while (have < BLOCK) {
		ssize_t n = read(s->fd, to + have, BLOCK - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* 0: more to come, 1: the end, -1: failed */
static int fill(struct hpl_stream *s, unsigned slot)
{
	char *to = s->data + (size_t)slot * BLOCK;
	ssize_t n = read_block(s, to);

	if (n < 0)
		return HPL_FAIL(&s->err, 0, errno, "cannot read");
	s->total += (uint64_t)n;
	if (s->total > s->limit)
		return HPL_FAIL(&s->err, 0, 0, "larger than %llu MiB",
			(unsigned long long)s->limit >> 20);
	if (n && EVP_DigestUpdate(s->md, to, (size_t)n) != 1)
		return HPL_FAIL(&s->err, 0, 0, "SHA-256 failed");
	s->len[slot] = (size_t)n;
	return n < BLOCK;
}

static void *reader(void *arg)
{
	struct hpl_stream *s = arg;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (s->head - s->tail == BLOCKS && !s->stop)
			pthread_cond_wait(&s->changed, &s->lock);
		unsigned slot = s->head % BLOCKS;
		int stop = s->stop;
		pthread_mutex_unlock(&s->lock);
		if (stop)
			return NULL;
		int r = fill(s, slot);
		pthread_mutex_lock(&s->lock);
		if (r >= 0)
			s->head++;
		if (r != 0)
			s->end = 1;
		s->failed = r < 0;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		if (r != 0)
			return NULL;
	}
}

int hpl_stream_new(struct hpl_stream **ret, int fd, uint64_t limit, struct hpl_err *err)
{
	struct hpl_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return HPL_OOM(err);
	s->fd = fd;
	s->limit = limit;
	s->data = malloc((size_t)BLOCK * BLOCKS);
	s->md = EVP_MD_CTX_new();
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	int r = 0;
	if (!s->data || !s->md)
		r = HPL_OOM(err);
	else if (EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) != 1)
		r = HPL_FAIL(err, 0, 0, "SHA-256 failed");
	else if ((r = pthread_create(&s->thread, NULL, reader, s)) != 0)
		r = HPL_FAIL(err, 0, r, "cannot start a thread");
	if (r < 0) {
		s->stop = 2; /* there is no thread to join */
		hpl_stream_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int hpl_stream_next(struct hpl_stream *s, const void **ret, size_t *ret_len, struct hpl_err *err)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	if (s->held) {
		s->tail++;
		s->held = 0;
		pthread_cond_broadcast(&s->changed);
	}
	while (s->head == s->tail && !s->end)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->head != s->tail) {
		*ret = s->data + (size_t)(s->tail % BLOCKS) * BLOCK;
		*ret_len = s->len[s->tail % BLOCKS];
		s->held = 1;
	} else if (s->failed) {
		if (err)
			*err = s->err;
		r = -1;
	} else {
		*ret = "";
		*ret_len = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

int hpl_stream_finish(struct hpl_stream *s, struct hpl_sha256 *ret, uint64_t *ret_bytes,
	struct hpl_err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	const void *p;
	size_t n;

	do {
		if (hpl_stream_next(s, &p, &n, err) < 0)
			return -1;
	} while (n);
	/* The reader has set end and touches nothing any more. */
	if (EVP_DigestFinal_ex(s->md, digest, NULL) != 1)
		return HPL_FAIL(err, 0, 0, "SHA-256 failed");
	hpl_measure_hex(ret, digest);
	*ret_bytes = s->total;
	return 0;
}

void hpl_stream_free(struct hpl_stream *s)
{
	if (!s)
		return;
	if (s->stop != 2) {
		pthread_mutex_lock(&s->lock);
		s->stop = 1;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	EVP_MD_CTX_free(s->md);
	free(s->data);
	free(s);
}
