// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_KERNEL_H
#define DISPATCH_KERNEL_H

#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/hash_jobs.h"

// What every message passes is compiled once for each of these instruction sets, and the best one
// that the processor has is chosen before main(). All of them decide alike, octet for octet.

// The i-th kernel that this processor can run, best first; NULL after the last: "generic".
const char *dispatch_kernel_at(unsigned int i);

// The one in use.
const char *dispatch_kernel_name(void);

// Use this one from now on, in all threads; NULL is the best. For tests and benchmarks.
// Returns 0, or -ENOENT when there is no such kernel or the processor cannot run it.
int dispatch_kernel_select(const char *name);

// What a kernel brings. The sources say decide_many() and so on; the build gives each its name.
typedef void decide_many_fn(const struct decide_ctx *ctx, const struct decide_in *const in[],
	struct decision *const out[], unsigned int nb);

typedef uint32_t edit_apply_front_fn(
	const struct sip_msg *msg, const struct edit_list *list, char *out);

decide_many_fn decide_many_generic;
edit_apply_front_fn edit_apply_front_generic;
#if defined(__x86_64__)
decide_many_fn decide_many_avx2;
edit_apply_front_fn edit_apply_front_avx2;
void hash_jobs_13_avx2(struct hash_jobs *jobs);
void hash_jobs_24_avx2(struct hash_jobs *jobs);
void hash_jobs_24_both_avx2(struct hash_jobs *a, struct hash_jobs *b);
decide_many_fn decide_many_avx512;
edit_apply_front_fn edit_apply_front_avx512;
void hash_jobs_13_avx512(struct hash_jobs *jobs);
void hash_jobs_24_avx512(struct hash_jobs *jobs);
void hash_jobs_24_both_avx512(struct hash_jobs *a, struct hash_jobs *b);
#endif

#endif
