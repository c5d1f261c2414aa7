// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_PARSE_SUBJECTS_H
#define BENCH_PARSE_SUBJECTS_H

#include "bench/bench-parse-messages.h"

#include <stdbool.h>

// What is measured: something that takes one message and gives back a number made of what it read,
// so that nothing is optimised away.
struct subject {
	const char *name;
	const char *kernel; // of sip_kernel_select(), or NULL
	uint64_t (*run)(const struct message *m);
	bool peer;
};

// The floor first, memcpy, ours by kernel and the peers that were found at build time; ends with a
// NULL name. Good until the next call.
const struct subject *subjects(void);

// The peers of subjects() alone, ended by a NULL name.
extern const struct subject peer_subjects[];
void peers_init(void);

// The SIP parsers that Debian has, asked for the same fields as ours: start line, Call-ID, top Via
// with branch, received, rport and sent-by, From and To tag, CSeq, Max-Forwards, first Route,
// Content-Length. All of them allocate and free a message; that is how they are used. One file
// each, because their headers do not agree with each other.
uint64_t bench_osip_run(const struct message *m);
void bench_osip_init(void);
uint64_t bench_sofia_run(const struct message *m);
uint64_t bench_re_run(const struct message *m);

#endif
