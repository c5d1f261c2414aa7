// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/hash_jobs.h"

#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/siphash.h"
#include "tests/dispatch/suite.h"
#include "tests/parser/guarded.h"

struct kernel {
	void (*hash_13)(struct hash_jobs *jobs);
	void (*hash_24)(struct hash_jobs *jobs);
	void (*hash_24_both)(struct hash_jobs *a, struct hash_jobs *b);
};

static const struct kernel kernels[] = {
	{hash_jobs_13, hash_jobs_24, hash_jobs_24_both},
#if defined(__x86_64__)
	{hash_jobs_13_avx2, hash_jobs_24_avx2, hash_jobs_24_both_avx2},
	{hash_jobs_13_avx512, hash_jobs_24_avx512, hash_jobs_24_both_avx512},
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

static char data[1024];

static void fill_at_random(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((char *)out)[i] = (char)random_below(256);
}

// What a job hashes, in one piece.
static size_t whole(const struct hash_jobs *jobs, unsigned int lane, const char *from, uint32_t len,
	char out[256])
{
	size_t at = 0;

	for (unsigned int i = 0; i < jobs->nb_head; i++) {
		if (i >= HASH_JOB_SOME_FROM && i < HASH_JOB_SOME_END && !(jobs->some >> lane & 1))
			continue;
		memcpy(out + at, &jobs->head[i][lane], 8);
		at += 8;
	}
	memcpy(out + at, from, len);
	return at + len;
}

// Jobs, and what they shall come to.
struct task {
	struct hash_jobs jobs;
	uint64_t found[HASH_JOBS_MAX], wanted[HASH_JOBS_MAX];
	uint8_t keys[HASH_JOBS_MAX][16];
};

// Jobs of these lengths (or without data), with up to nb_head words before them.
static void prepare(
	struct task *task, bool fast, unsigned int nb, unsigned int nb_head, const uint32_t *len)
{
	struct hash_jobs *jobs = &task->jobs;
	char text[256];

	// Nothing depends on what stands in lanes without a job.
	memset(task, 0xee, sizeof(*task));
	fill_at_random(task->keys, sizeof(task->keys));
	hash_jobs_init(jobs, nb_head);
	for (unsigned int i = 0; i < nb; i++) {
		const uint8_t *key = task->keys[i];
		const char *from = data + 8 + random_below(800);
		unsigned int lane = hash_job_add(jobs, key, &task->found[i]), words = nb_head;
		size_t size;

		for (unsigned int k = 0; k < nb_head; k++)
			fill_at_random(&jobs->head[k][lane], 8);
		if (nb_head > 0 && random_below(2))
			jobs->some |= 1u << lane;
		else if (nb_head > 0)
			words -= HASH_JOB_SOME_END - HASH_JOB_SOME_FROM;
		if (len != NULL)
			hash_job_end(jobs, 8 * words, from, len[i]);
		else
			hash_job_end_words(jobs, 8 * words);
		size = whole(jobs, lane, from, len != NULL ? len[i] : 0, text);
		task->wanted[i] = fast ? siphash13(key, text, size) : siphash24(key, text, size);
	}
}

static void compare(const struct task *task)
{
	ck_assert_mem_eq(task->found, task->wanted, sizeof(task->found));
}

static void check(
	const struct kernel *kernel, unsigned int nb, unsigned int nb_head, const uint32_t *len)
{
	static struct task task;
	bool fast = random_below(2) != 0;

	prepare(&task, fast, nb, nb_head, len);
	if (fast)
		kernel->hash_13(&task.jobs);
	else
		kernel->hash_24(&task.jobs);
	compare(&task);
}

static const unsigned int nb_heads[] = {0, HASH_JOB_SOME_END, HASH_JOB_HEAD_MAX};

// Any number of jobs, of any lengths, under any keys.
START_TEST(side_by_side_is_one_by_one)
{
	uint32_t len[HASH_JOBS_MAX];

	if (!runs_here(_i))
		return;
	fill_at_random(data, sizeof(data));
	for (int round = 0; round < 30000; round++) {
		uint32_t limit = round % 3 == 0 ? 8 : HASH_JOB_DATA_MAX + 1;

		for (unsigned int i = 0; i < HASH_JOBS_MAX; i++)
			len[i] = random_below(limit);
		check(&kernels[_i], random_below(HASH_JOBS_MAX + 1), nb_heads[random_below(3)],
			len);
	}
}
END_TEST

// Tags of Via have data, those of Record-Route have none.
START_TEST(two_kinds_together_are_one_after_the_other)
{
	static struct task a, b;
	uint32_t len[HASH_JOBS_MAX];

	if (!runs_here(_i))
		return;
	fill_at_random(data, sizeof(data));
	for (unsigned int round = 0; round < 100 * (HASH_JOBS_MAX + 1) * (HASH_JOBS_MAX + 1);
		round++) {
		unsigned int nb = round % ((HASH_JOBS_MAX + 1) * (HASH_JOBS_MAX + 1));

		for (unsigned int i = 0; i < HASH_JOBS_MAX; i++)
			len[i] = random_below(HASH_JOB_DATA_MAX + 1);
		prepare(&a, false, nb / (HASH_JOBS_MAX + 1), HASH_JOB_SOME_END, len);
		prepare(&b, false, nb % (HASH_JOBS_MAX + 1), HASH_JOB_HEAD_MAX,
			random_below(4) ? NULL : len);
		if (random_below(2))
			kernels[_i].hash_24_both(&a.jobs, &b.jobs);
		else
			kernels[_i].hash_24_both(&b.jobs, &a.jobs);
		compare(&a);
		compare(&b);
	}
}
END_TEST

START_TEST(every_count_of_every_length)
{
	uint32_t len[HASH_JOBS_MAX];

	if (!runs_here(_i))
		return;
	fill_at_random(data, sizeof(data));
	for (unsigned int nb = 0; nb <= HASH_JOBS_MAX; nb++) {
		for (uint32_t all = 0; all <= HASH_JOB_DATA_MAX; all++) {
			for (unsigned int i = 0; i < HASH_JOBS_MAX; i++)
				len[i] = all;
			check(&kernels[_i], nb, nb_heads[all % 3], len);
			// One that is longer than all others.
			len[random_below(HASH_JOBS_MAX)] = HASH_JOB_DATA_MAX;
			check(&kernels[_i], nb, nb_heads[all % 3], len);
		}
		for (unsigned int k = 0; k < 100; k++)
			check(&kernels[_i], nb, nb_heads[k % 3], NULL);
	}
}
END_TEST

// Behind each job's data HASH_JOB_SLACK octets can be read, and not one more; the others may have
// longer data.
START_TEST(reads_no_more_than_its_slack)
{
	struct guarded g = guarded_new(data, sizeof(data), GUARD_BEHIND, 0);
	const char *limit = g.buf + g.len + SIP_PAD - HASH_JOB_SLACK;
	static struct hash_jobs jobs;
	uint8_t key[16] = "a key of 16 oct.";

	if (!runs_here(_i))
		return;
	for (uint32_t len = 0; len <= HASH_JOB_DATA_MAX; len++) {
		uint64_t found[HASH_JOBS_MAX];

		hash_jobs_init(&jobs, 0);
		for (unsigned int i = 0; i < HASH_JOBS_MAX; i++) {
			uint32_t n = i == len % HASH_JOBS_MAX ? HASH_JOB_DATA_MAX : len;

			hash_job_add(&jobs, key, &found[i]);
			hash_job_end(&jobs, 0, limit - n, n);
		}
		kernels[_i].hash_13(&jobs);
		ck_assert_uint_eq(found[len % HASH_JOBS_MAX],
			siphash13(key, limit - HASH_JOB_DATA_MAX, HASH_JOB_DATA_MAX));
	}
	guarded_free(&g);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("hash_jobs");

	tcase_add_loop_test(tc, side_by_side_is_one_by_one, 0, NB_KERNELS);
	tcase_add_loop_test(tc, two_kinds_together_are_one_after_the_other, 0, NB_KERNELS);
	tcase_add_loop_test(tc, every_count_of_every_length, 0, NB_KERNELS);
	tcase_add_loop_test(tc, reads_no_more_than_its_slack, 0, NB_KERNELS);
	return run_suite("hash_jobs", tc);
}
