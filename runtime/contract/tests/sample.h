/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Contracts for the tests of this folder. The seeds are words, not secrets. */
#define SEED_W "workload-seed-0001"
#define SEED_E "env-seed-000000001"
#define SEED_OLD "older-seed-0000001"

#define SAMPLE_WORKLOAD_TEXT \
	"  type: workload\n" \
	"  compose:\n" \
	"    archive: H4sIAAAA\n" \
	"  env:\n" \
	"    B: from workload\n" \
	"    A: a\n" \
	"  auths:\n" \
	"    reg.example:5000:\n" \
	"      username: winner\n" \
	"      password: secret-w\n" \
	"  images:\n" \
	"    dct:\n" \
	"      reg.example/space/name: {notary: \"https://n.example\", publicKey: QUJD}\n" \
	"  volumes:\n" \
	"    data:\n" \
	"      seed: " SEED_W "\n" \
	"      mount: /mnt/x\n"
#define SAMPLE_ENV_TEXT \
	"  type: env\n" \
	"  logging:\n" \
	"    syslog:\n" \
	"      hostname: log.example\n" \
	"      server: TUlJRA==\n" \
	"      cert: TUlJRB==\n" \
	"      key: TUlJRC==\n" \
	"  env:\n" \
	"    B: from env\n" \
	"    C: c\n" \
	"  auths:\n" \
	"    reg.example:5000: {username: loser, password: secret-e}\n" \
	"    other.example: {username: usr, password: secret-o}\n" \
	"  cacerts:\n" \
	"    - ca1: QUJDRA==\n" \
	"  signingKey: QUJDRA==\n" \
	"  volumes:\n" \
	"    data:\n" \
	"      seed: " SEED_E "\n" \
	"      previousSeed: " SEED_OLD "\n" \
	"      volumeID: \"serial-1\"\n"
#define SAMPLE \
	"workload: |\n" SAMPLE_WORKLOAD_TEXT "env: |\n" SAMPLE_ENV_TEXT \
	"envWorkloadSignature: QUJDRA==\n"
#define SAMPLE_DELIVERED \
	"env: hyper-protect-basic.QUJD.QUJD\n" \
	"workload: hyper-protect-basic.QUJD.REVG\n" \
	"envWorkloadSignature: QUJDRA==\n"
