/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/wire.h"

void hpl_wire_header(uint8_t *out, enum hpl_wire_op op, uint64_t arg, uint32_t len)
{
	out[0] = (uint8_t)op;
	out[1] = out[2] = out[3] = 0;
	for (int i = 0; i < 4; i++)
		out[4 + i] = (uint8_t)(len >> (8 * i));
	for (int i = 0; i < 8; i++)
		out[8 + i] = (uint8_t)(arg >> (8 * i));
}

int hpl_wire_next(const uint8_t *frame, size_t len, size_t *pos, struct hpl_wire_record *ret)
{
	const uint8_t *h = frame + *pos;
	size_t left = len - *pos;
	uint32_t body = 0;
	uint64_t arg = 0;

	if (left == 0)
		return 0;
	if (left < HPL_WIRE_HEADER || h[1] || h[2] || h[3])
		return -1;
	for (int i = 3; i >= 0; i--)
		body = body << 8 | h[4 + i];
	for (int i = 7; i >= 0; i--)
		arg = arg << 8 | h[8 + i];
	if (body > left - HPL_WIRE_HEADER)
		return -1;
	*ret = (struct hpl_wire_record){
		.op = h[0], .len = body, .arg = arg, .body = h + HPL_WIRE_HEADER};
	*pos += HPL_WIRE_HEADER + (size_t)body;
	return 1;
}

int hpl_wire_check(const uint8_t *frame, size_t len)
{
	struct hpl_wire_record r;
	size_t pos = 0, count = 0;
	int rc;

	while ((rc = hpl_wire_next(frame, len, &pos, &r)) > 0) {
		if (++count > HPL_BUS_FRAME_RECORDS)
			return -1;
	}
	return rc < 0 || count == 0 ? -1 : 0;
}
