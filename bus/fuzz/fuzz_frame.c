/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's reading of one frame: records, scan, unpack, check. With CORPUS_MAIN it is a plain
 * program that replays files; good-* must pass, bad-* need not (some are wrong only in order).
 */
#include <assert.h>
#include <stdio.h>

#include "bus/event.h"
#include "bus/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Number of events in it that pass. */
static int events_in(const uint8_t *data, size_t size)
{
	static struct hpl_unpacker unpacker;
	struct hpl_wire_record r;
	size_t pos = 0;
	int n = 0;

	if (hpl_wire_check(data, size) < 0)
		return -1;
	while (hpl_wire_next(data, size, &pos, &r) > 0) {
		Hpl__Event *ev;

		if (r.op != HPL_OP_PUBLISH || hpl_event_scan(r.body, r.len, 0))
			continue;
		ev = hpl_event_unpack(&unpacker, r.body, r.len);
		/* what was scanned can be packed again: no NULL in a list, one meaning */
		if (ev && !hpl_event_check(ev)) {
			assert(protobuf_c_message_check(&ev->base));
			assert(ev->base.n_unknown_fields == 0);
			assert(ev->seq == 0 && ev->source[0] == 0 && !ev->replay);
			n++;
		}
	}
	assert(pos == size);
	hpl_unpacker_done(&unpacker);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)events_in(data, size);
	return 0;
}

#ifdef CORPUS_MAIN
#include <dirent.h>

#include "runtime/base/file.h"

int main(int argc, char **argv)
{
	int number = 0, failed = 0;
	struct dirent *d;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (!dir)
		return 1;
	while ((d = readdir(dir))) {
		_cleanup_buf_ struct hpl_buf frame = HPL_BUF_NULL;
		char path[512];
		int n, ok;

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], d->d_name);
		if (hpl_file_read(&frame, path, HPL_BUS_FRAME_MAX, NULL) < 0)
			return 1;
		n = events_in((const uint8_t *)frame.data, frame.len);
		ok = strncmp(d->d_name, "good-", 5) != 0 || n >= 0;
		failed += !ok;
		printf("%s %d - %s\n", ok ? "ok" : "not ok", ++number, d->d_name);
	}
	closedir(dir);
	printf("1..%d\n", number);
	return failed != 0 || number == 0;
}
#endif
