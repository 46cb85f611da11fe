/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The last steps of process 1, apart from hpld.h because they work on the machine only. */

/* Ends all processes, gives back file systems and mappings; bounded in time. */
void hpl_power_clean_up(void);
