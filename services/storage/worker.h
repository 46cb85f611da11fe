/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A worker: the process that opens and mounts one volume, for libdevmapper and libcryptsetup serve one
 * at a time. No bus, no loop: it obeys worker.proto. When the pipe ends before it has mounted, it
 * closes its mapping and ends.
 */
enum {
	HPL_WORKER_MOUNTED = 0,
	HPL_WORKER_FAILED = 1,  /* and has said why, or was told to stop */
};

/* The whole life of a worker: commands from in, answers to out. Returns the exit status. */
int hpl_worker_run(int in, int out);
