/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Sparse files that stand for disks, and programs as oracles. Assert inside. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/proc.h"

static inline int make_disk(char path[64], uint64_t size)
{
	int fd;

	strcpy(path, "/tmp/hpl-disk-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static inline void put(int fd, uint64_t at, const void *data, size_t len)
{
	cr_assert_eq(pwrite(fd, data, len, (off_t)at), (ssize_t)len);
}

/* Other bits at a place, and the same ones back when it is called again */
static inline void flip(int fd, uint64_t at, uint8_t bits)
{
	uint8_t b;

	cr_assert_eq(pread(fd, &b, 1, (off_t)at), 1);
	b ^= bits;
	put(fd, at, &b, 1);
}

static inline uint32_t word_at(int fd, uint64_t at)
{
	uint32_t word;

	cr_assert_eq(pread(fd, &word, sizeof(word), (off_t)at), (ssize_t)sizeof(word));
	return word;
}

/* Runs a program with up to 8 arguments, returns its status; out may be NULL. */
#define RUN(out, ...) run_program((out), (const char *const[]){__VA_ARGS__, NULL}, NULL)
static inline int run_program(struct hpl_buf *out, const char *const *argv, const char *input)
{
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000, .out = out, .input = input,
		.input_len = input ? strlen(input) : 0};

	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s: %s", argv[0], err.text);
	return status;
}
