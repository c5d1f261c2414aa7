// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_HASH_JOBS_H
#define DISPATCH_HASH_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dispatch/siphash_inline.h"

// SipHash of several messages side by side. One hash is a chain in which every step waits for the
// one before it; with AVX2 or AVX-512 eight of them run in the time of little more than one. The
// same results as siphash13() and siphash24().

#define HASH_JOBS_MAX 8
#define HASH_JOB_HEAD_MAX 5 // words before data
#define HASH_JOB_DATA_MAX 120 // octets
#define HASH_JOB_SLACK 32 // octets behind the data that are read, not looked at

// Each column has a place for each job, so that a vector of them is loaded at once.
struct hash_jobs {
	unsigned int nb;
	// The words before the data. A job has the first nb_head of them, and those of `some` only
	// when it is among the jobs in `some`: the more rarely used ones in the middle (an IPv6
	// address).
	unsigned int nb_head;
	unsigned int some; // a bit each
	uint64_t key[2][HASH_JOBS_MAX];
	uint64_t head[HASH_JOB_HEAD_MAX][HASH_JOBS_MAX];
	const char *data[HASH_JOBS_MAX];
	uint64_t nb_data[HASH_JOBS_MAX]; // whole words of data
	uint64_t last[HASH_JOBS_MAX]; // the octets that are left over, and the end mark
	uint64_t *hash[HASH_JOBS_MAX]; // where the results go
} __attribute__((aligned(64)));

// Words of head[] that only jobs in `some` have.
#define HASH_JOB_SOME_FROM 2
#define HASH_JOB_SOME_END 4

// nb_head: HASH_JOB_HEAD_MAX, HASH_JOB_SOME_END or 0.
static inline void hash_jobs_init(struct hash_jobs *jobs, unsigned int nb_head)
{
	jobs->nb = 0;
	jobs->nb_head = nb_head;
	jobs->some = 0;
}

// A job: the caller fills in its words before the data, at the place that is returned, and ends it.
static inline unsigned int hash_job_add(
	struct hash_jobs *jobs, const uint8_t key[16], uint64_t *hash)
{
	unsigned int lane = jobs->nb++;

	jobs->key[0][lane] = load64(key);
	jobs->key[1][lane] = load64(key + 8);
	jobs->hash[lane] = hash;
	return lane;
}

// `before` are the octets of the words before the data. `data` is part of a message, not among its
// first octets: 8 octets before data + len are readable, and HASH_JOB_SLACK behind it.
static inline void hash_job_end(
	struct hash_jobs *jobs, unsigned int before, const char *data, uint32_t len)
{
	unsigned int lane = jobs->nb - 1, rest = len & 7;
	uint64_t tail = load64(data + len - 8) >> 1 >> (63 - 8 * rest);

	jobs->data[lane] = data;
	jobs->nb_data[lane] = len / 8;
	jobs->last[lane] = tail | (uint64_t)(before + len) << 56;
}

// The same without data. Not in one burst of jobs with others that have some.
static inline void hash_job_end_words(struct hash_jobs *jobs, unsigned int before)
{
	unsigned int lane = jobs->nb - 1;

	jobs->data[lane] = NULL;
	jobs->nb_data[lane] = 0;
	jobs->last[lane] = (uint64_t)before << 56;
}

// Do all jobs: SipHash-1-3, SipHash-2-4.
void hash_jobs_13(struct hash_jobs *jobs);
void hash_jobs_24(struct hash_jobs *jobs);
// Those of two kinds, in less time than one after the other.
void hash_jobs_24_both(struct hash_jobs *a, struct hash_jobs *b);

#endif
