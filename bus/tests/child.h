/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
/* What tests/child.c keeps beyond its own death, in a mapped file. */
struct child_state {
	uint64_t next;         /* number of the event that comes next */
	uint64_t handled;
	uint64_t lost, disorder, wrong_replay;
};
