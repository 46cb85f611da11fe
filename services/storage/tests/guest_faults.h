/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The cases of guest-faults: see guest_faults.c. */
void case_mutations(void);
void case_lies(void);
