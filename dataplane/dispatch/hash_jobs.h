// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_HASH_JOBS_H
#define DISPATCH_HASH_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dispatch/copy.h"
#include "dataplane/dispatch/siphash_inline.h"

// SipHash of several messages side by side. One hash is a chain in which every step waits for the
// one before it; with AVX2 or AVX-512 eight of them run in the time of little more than one. The
// same results as siphash13() and siphash24().

#define HASH_JOBS_MAX 8
#define HASH_JOB_WORDS 20 // with the end mark
#define HASH_JOB_DATA_MAX 120 // octets, beside four words at most

struct hash_job {
	uint64_t words[HASH_JOB_WORDS + COPY_BLOCK / 8]; // copies scribble beyond the end mark
	const uint8_t *key;
	uint64_t *hash; // where the result goes
	unsigned int nb; // words with the end mark
};

struct hash_jobs {
	unsigned int nb;
	unsigned int least, most; // words of a job
	uintptr_t keys; // has a bit where two jobs' keys are different pointers
	struct hash_job jobs[HASH_JOBS_MAX];
};

static inline void hash_jobs_init(struct hash_jobs *jobs)
{
	jobs->nb = 0;
	jobs->least = HASH_JOB_WORDS;
	jobs->most = 0;
	jobs->keys = 0;
}

// A job whose words the caller fills in; there is room.
static inline struct hash_job *hash_job_add(
	struct hash_jobs *jobs, const uint8_t key[16], uint64_t *hash)
{
	struct hash_job *job = &jobs->jobs[jobs->nb++];

	job->key = key;
	job->hash = hash;
	jobs->keys |= (uintptr_t)key ^ (uintptr_t)jobs->jobs[0].key;
	return job;
}

static inline void hash_job_close(struct hash_jobs *jobs, struct hash_job *job, unsigned int nb)
{
	job->nb = nb;
	jobs->least = nb < jobs->least ? nb : jobs->least;
	jobs->most = nb > jobs->most ? nb : jobs->most;
}

// The words after the first `before` ones, and the end mark. `data` is part of a message, not among
// its first octets: 8 octets before data + len are readable, and COPY_BLOCK behind it.
static inline void hash_job_end(struct hash_jobs *jobs, struct hash_job *job, unsigned int before,
	const char *data, uint32_t len)
{
	unsigned int at = before + len / 8, rest = len & 7;
	uint64_t tail = load64(data + len - 8) >> 1 >> (63 - 8 * rest);

	copy_wide((char *)&job->words[before], data, len);
	job->words[at] = tail | (uint64_t)(8 * before + len) << 56;
	hash_job_close(jobs, job, at + 1);
}

// The same without data.
static inline void hash_job_end_words(struct hash_jobs *jobs, struct hash_job *job, unsigned int nb)
{
	job->words[nb] = (uint64_t)nb << 59;
	hash_job_close(jobs, job, nb + 1);
}

// Do all jobs: SipHash-1-3, SipHash-2-4.
void hash_jobs_13(struct hash_jobs *jobs);
void hash_jobs_24(struct hash_jobs *jobs);

#endif
