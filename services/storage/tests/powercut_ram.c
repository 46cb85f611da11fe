/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tests/powercut_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, CHUNK = 1 << 20, RAM_MAJOR = 1 };
#define RAM "/dev/ram0"
#define TRACING "/sys/kernel/tracing/"

static struct {
	uint8_t *image;           /* what should be on the RAM disk */
	uint64_t size;
	uint8_t *dirty;           /* for each page: the RAM disk may hold something else */
	struct saved { uint64_t page; uint8_t data[PAGE]; } *saved; /* of the image, oldest first */
	size_t saved_count, saved_room;
	int trace;                /* the pipe of the trace, -1 */
} ram = {.trace = -1};

static int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r;

	r = fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ? -1 : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- what others write ---- */

/* Each bio that goes to the RAM disk or to a partition of it, with sectors of the whole disk. */
static int trace_begin(void)
{
	char filter[80];

	if (ram.trace >= 0)
		return 0;
	/* dev_t of the kernel: the major number from bit 20 on */
	snprintf(filter, sizeof(filter), "dev >= %d && dev < %d", RAM_MAJOR << 20, (RAM_MAJOR + 1) << 20);
	if (mount("tracefs", TRACING, "tracefs", 0, NULL) < 0 && errno != EBUSY)
		return -1;
	if (put_text(TRACING "tracing_on", "0") < 0 || put_text(TRACING "buffer_size_kb", "16384") < 0 ||
		put_text(TRACING "events/block/block_bio_queue/filter", filter) < 0 ||
		put_text(TRACING "events/block/block_bio_queue/enable", "1") < 0)
		return -1;
	ram.trace = open(TRACING "trace_pipe", O_RDONLY | O_NONBLOCK);
	return ram.trace < 0 ? -1 : 0;
}

/* "... block_bio_queue: 1,2 WS 2048 + 8 [program]" */
static int trace_line(const char *line)
{
	const char *p = strstr(line, "block_bio_queue: ");
	unsigned long long sector, count;
	char kind[16];

	if (!p) {
		if (!strstr(line, "LOST"))
			return 0;
		printf("# the trace lost writes: %s\n", line);
		return errno = 0, -1;
	}
	if (sscanf(p, "block_bio_queue: %*d,%*d %15s %llu + %llu", kind, &sector, &count) != 3)
		return errno = EPROTO, -1;
	if (kind[0] == 'R' || !count)
		return 0;
	if ((sector + count) * 512 > ram.size)
		return errno = ERANGE, -1;
	memset(ram.dirty + sector * 512 / PAGE, 1,
		((sector + count) * 512 + PAGE - 1) / PAGE - sector * 512 / PAGE);
	return 0;
}

static int trace_end(void)
{
	static char text[65536 + 1];
	size_t have = 0;
	ssize_t n;

	while ((n = read(ram.trace, text + have, sizeof(text) - 1 - have)) > 0) {
		char *line = text, *end;

		have += (size_t)n;
		text[have] = 0;
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			if (trace_line(line) < 0)
				return -1;
		}
		have -= (size_t)(line - text);
		memmove(text, line, have);
	}
	return n < 0 && errno != EAGAIN ? -1 : 0;
}

int cut_ram_watch(void) { return put_text(TRACING "tracing_on", "1"); }

int cut_ram_watched(void)
{
	return put_text(TRACING "tracing_on", "0") < 0 ? -1 : trace_end();
}

/* ---- the image in memory ---- */

int cut_ram_put(uint64_t at, const void *data, size_t len, bool for_now)
{
	if (at + len > ram.size)
		return errno = ERANGE, -1;
	for (uint64_t page = at / PAGE; page * PAGE < at + len; page++) {
		ram.dirty[page] = 1;
		if (!for_now)
			continue;
		if (ram.saved_count == ram.saved_room) {
			ram.saved_room = 2 * ram.saved_room + 64;
			ram.saved = reallocarray(ram.saved, ram.saved_room, sizeof(*ram.saved));
			if (!ram.saved)
				return -1;
		}
		struct saved *s = &ram.saved[ram.saved_count++];
		s->page = page;
		memcpy(s->data, ram.image + page * PAGE, PAGE);
	}
	memcpy(ram.image + at, data, len);
	return 0;
}

int cut_ram_back(void)
{
	while (ram.saved_count) {
		const struct saved *s = &ram.saved[--ram.saved_count];

		memcpy(ram.image + s->page * PAGE, s->data, PAGE);
		ram.dirty[s->page] = 1;
	}
	return 0;
}

static int write_runs(int fd)
{
	const uint64_t pages = ram.size / PAGE;

	for (uint64_t at = 0, end; at < pages; at = end) {
		const uint8_t *first = memchr(ram.dirty + at, 1, pages - at);

		if (!first)
			return 0;
		at = (uint64_t)(first - ram.dirty);
		for (end = at; end < pages && ram.dirty[end] && end - at < CHUNK / PAGE; end++)
			ram.dirty[end] = 0;
		if (pwrite(fd, ram.image + at * PAGE, (end - at) * PAGE, (off_t)(at * PAGE)) !=
			(ssize_t)((end - at) * PAGE))
			return -1;
	}
	return 0;
}

int cut_ram_write(void)
{
	int fd = open(RAM, O_RDWR | O_DIRECT), r;

	r = fd < 0 || write_runs(fd) < 0 || ioctl(fd, BLKRRPART) < 0 ? -1 : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

int cut_ram_rescan(void)
{
	int fd = open(RAM, O_RDONLY), r = fd < 0 ? -1 : ioctl(fd, BLKRRPART);

	if (fd >= 0)
		close(fd);
	return r;
}

static bool zeros(const uint8_t *p)
{
	return p[0] == 0 && memcmp(p, p + 1, PAGE - 1) == 0;
}

static int check_chunk(const uint8_t *have, uint64_t at, size_t len)
{
	for (size_t i = 0; i < len; i += PAGE)
		if (memcmp(have + i, ram.image + at + i, PAGE) != 0) {
			printf("# the RAM disk differs from the state at byte %llu\n",
				(unsigned long long)(at + i));
			return errno = 0, -1;
		}
	return 0;
}

int cut_ram_check(void)
{
	static uint8_t have[CHUNK] __attribute__((aligned(PAGE)));
	int fd = open(RAM, O_RDONLY | O_DIRECT), r = fd < 0 ? -1 : 0;

	for (uint64_t at = 0; r == 0 && at < ram.size; at += CHUNK) {
		size_t len = ram.size - at < CHUNK ? (size_t)(ram.size - at) : CHUNK;

		r = pread(fd, have, len, (off_t)at) == (ssize_t)len ? check_chunk(have, at, len) : -1;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int cut_ram_copy(const char *path)
{
	int fd = open(path, O_WRONLY), r = fd < 0 ? -1 : 0;

	for (uint64_t at = 0; r == 0 && at < ram.size; at += CHUNK) {
		size_t len = ram.size - at < CHUNK ? (size_t)(ram.size - at) : CHUNK;

		r = pwrite(fd, ram.image + at, len, (off_t)at) == (ssize_t)len ? 0 : -1;
	}
	if (fd >= 0)
		r = fsync(fd) < 0 || close(fd) < 0 ? -1 : r;
	return r;
}

/* ---- a fresh RAM disk ---- */

static int load_module(void)
{
	char args[80];
	int fd, r;

	if (syscall(SYS_delete_module, "brd", O_NONBLOCK) < 0 && errno != ENOENT)
		return -1;
	snprintf(args, sizeof(args), "rd_nr=1 rd_size=%llu max_part=16", (unsigned long long)ram.size / 1024);
	fd = open("/modules/brd.ko", O_RDONLY);
	r = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, args, 0);
	if (fd >= 0)
		close(fd);
	return r;
}

static int read_image(const char *path)
{
	static uint8_t chunk[CHUNK];
	int fd = open(path, O_RDONLY);

	for (uint64_t at = 0; fd >= 0 && at < ram.size; at += CHUNK) {
		size_t len = ram.size - at < CHUNK ? (size_t)(ram.size - at) : CHUNK;

		if (pread(fd, chunk, len, (off_t)at) != (ssize_t)len)
			return -1;
		/* pages that are zero stay without memory, here and on the RAM disk */
		for (size_t i = 0; i < len; i += PAGE) {
			ram.dirty[(at + i) / PAGE] = !zeros(chunk + i);
			if (!zeros(chunk + i))
				memcpy(ram.image + at + i, chunk + i, PAGE);
		}
	}
	return fd < 0 ? -1 : close(fd);
}

int cut_ram_begin(const char *path, uint64_t size)
{
	if (ram.image)
		munmap(ram.image, ram.size);
	free(ram.dirty);
	ram.saved_count = 0;
	ram.size = size;
	ram.dirty = calloc(1, size / PAGE);
	ram.image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram.image == MAP_FAILED)
		ram.image = NULL;
	return ram.image && ram.dirty && size % PAGE == 0 && trace_begin() == 0 && load_module() == 0 ?
		read_image(path) : -1;
}
