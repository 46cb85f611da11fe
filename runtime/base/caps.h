/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "runtime/base/err.h"

/* Gives up all capabilities of this process, for good as long as it runs no other program: before it parses
 * what the host wrote. 0; -1: *err, without an id. */
int hpl_caps_drop(struct hpl_err *err);
