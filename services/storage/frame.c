/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/frame.h"

#include <endian.h>
#include <errno.h>

int hpl_frame_pack(struct hpl_secret *ret, const ProtobufCMessage *m, struct hpl_err *err)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	uint32_t head = htobe32((uint32_t)len);

	if (len > HPL_FRAME_MAX)
		return HPL_FAIL(err, 0, EMSGSIZE, "a message of %zu bytes", len);
	if (hpl_secret_alloc(ret, HPL_FRAME_HEAD + len, err) < 0)
		return -1;
	memcpy(ret->data, &head, sizeof head);
	protobuf_c_message_pack(m, ret->data + HPL_FRAME_HEAD);
	return 0;
}

size_t hpl_frame_length(const void *head)
{
	uint32_t len;

	memcpy(&len, head, sizeof len);
	return be32toh(len);
}

/* How much of size bytes came before the end, or -1. */
static ssize_t read_all(int fd, uint8_t *data, size_t size, struct hpl_err *err)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, data + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return HPL_FAIL(err, 0, errno, "the pipe cannot be read");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int hpl_frame_read(struct hpl_secret *ret, int fd, struct hpl_err *err)
{
	_cleanup_secret_ struct hpl_secret body = HPL_SECRET_NULL;
	uint8_t head[HPL_FRAME_HEAD];
	ssize_t n = read_all(fd, head, sizeof head, err);

	if (n <= 0)
		return n < 0 ? -1 : HPL_FRAME_END;
	if (n < HPL_FRAME_HEAD)
		return HPL_FAIL(err, 0, 0, "the pipe ended within a length");
	if (hpl_frame_length(head) > HPL_FRAME_MAX)
		return HPL_FAIL(err, 0, EMSGSIZE, "a message of %zu bytes", hpl_frame_length(head));
	if (hpl_secret_alloc(&body, hpl_frame_length(head), err) < 0)
		return -1;
	n = read_all(fd, body.data, body.len, err);
	if (n < 0)
		return -1;
	if ((size_t)n < body.len)
		return HPL_FAIL(err, 0, 0, "the pipe ended within a message");
	*ret = body;
	body = HPL_SECRET_NULL;
	return 0;
}

int hpl_frame_write(int fd, const ProtobufCMessage *m, struct hpl_err *err)
{
	_cleanup_secret_ struct hpl_secret frame = HPL_SECRET_NULL;
	size_t put = 0;

	if (hpl_frame_pack(&frame, m, err) < 0)
		return -1;
	while (put < frame.len) {
		ssize_t n = write(fd, frame.data + put, frame.len - put);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return HPL_FAIL(err, 0, errno, "the pipe cannot be written");
		put += (size_t)n;
	}
	return 0;
}
