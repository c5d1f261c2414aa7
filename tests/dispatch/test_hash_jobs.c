// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/hash_jobs.h"

#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/siphash.h"
#include "tests/dispatch/suite.h"

struct kernel {
	void (*hash_13)(struct hash_jobs *jobs);
	void (*hash_24)(struct hash_jobs *jobs);
};

static const struct kernel kernels[] = {
	{hash_jobs_13, hash_jobs_24},
#if defined(__x86_64__)
	{hash_jobs_13_avx2, hash_jobs_24_avx2},
	{hash_jobs_13_avx512, hash_jobs_24_avx512},
#endif
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static bool runs_here(int i)
{
	static const char *const names[] = {"generic", "avx2", "avx512"};
	const char *name;

	for (unsigned int k = 0; (name = dispatch_kernel_at(k)) != NULL; k++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static uint32_t random_state = 7;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

// Any number of jobs, of any lengths, under any keys, in the order in which they came.
START_TEST(side_by_side_is_one_by_one)
{
	static char data[1024];
	static struct hash_jobs jobs;

	if (!runs_here(_i))
		return;
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (char)random_below(256);
	for (int round = 0; round < 20000; round++) {
		unsigned int nb = random_below(HASH_JOBS_MAX + 1);
		uint64_t found[HASH_JOBS_MAX] = {0}, wanted[HASH_JOBS_MAX];
		uint8_t keys[HASH_JOBS_MAX][16];

		hash_jobs_init(&jobs);
		for (unsigned int i = 0; i < nb; i++) {
			uint32_t len = random_below(HASH_JOB_DATA_MAX + 1);
			const char *from = data + 8 + random_below(800);

			for (unsigned int k = 0; k < 16; k++)
				keys[i][k] = (uint8_t)random_below(256);
			hash_job_end(&jobs, hash_job_add(&jobs, keys[i], &found[i]), 0, from, len);
			wanted[i] = round % 2 ? siphash13(keys[i], from, len)
					      : siphash24(keys[i], from, len);
		}
		if (round % 2)
			kernels[_i].hash_13(&jobs);
		else
			kernels[_i].hash_24(&jobs);
		ck_assert_mem_eq(found, wanted, nb * sizeof(found[0]));
	}
}
END_TEST

START_TEST(words_go_before_data)
{
	static char data[256] = "12345678 sixteen octets!";
	uint8_t key[16] = "a key of 16 oct.";
	static struct hash_jobs jobs;
	char all[64];
	uint64_t found[2];
	struct hash_job *job;

	hash_jobs_init(&jobs);
	job = hash_job_add(&jobs, key, &found[0]);
	job->words[0] = 1;
	job->words[1] = 2;
	hash_job_end(&jobs, job, 2, data + 8, 9);
	job = hash_job_add(&jobs, key, &found[1]);
	job->words[0] = 1;
	job->words[1] = 2;
	hash_job_end_words(&jobs, job, 2);
	hash_jobs_24(&jobs);
	memcpy(all, jobs.jobs[0].words, 16);
	memcpy(all + 16, data + 8, 9);
	ck_assert_uint_eq(found[0], siphash24(key, all, 25));
	ck_assert_uint_eq(found[1], siphash24(key, all, 16));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("hash_jobs");

	tcase_add_loop_test(tc, side_by_side_is_one_by_one, 0, NB_KERNELS);
	tcase_add_test(tc, words_go_before_data);
	return run_suite("hash_jobs", tc);
}
