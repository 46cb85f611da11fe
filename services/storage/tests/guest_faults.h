/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The cases of guest-faults: see guest_faults.c. */
void case_mutations(void);
void case_lies(void);

void case_reads(void);
void case_thousand(void);
void case_hundred(void);
void case_writes(void);
void case_slow(void);

void case_plug(void);
void case_kept(void);
void case_metadata(void);
