// SPDX-License-Identifier: BSD-3-Clause
#include "bench/jumps.h"
#include "tests/bench/suite.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define NB 4096

// A jump for each octet that says whether it is taken, and one at the loop's end.
__attribute__((noinline)) static void jump_by(const uint8_t *taken, size_t nb)
{
	for (size_t i = 0; i < nb; i++)
		__asm__ volatile("testb $1, %0\n\t"
				 "jnz 1f\n\t"
				 "nop\n"
				 "1:" ::"m"(taken[i])
				 : "cc");
}

static double missed(const uint8_t *taken)
{
	FILE *nowhere = fopen("/dev/null", "w");
	uint64_t nb;

	ck_assert_ptr_nonnull(nowhere);
	jumps_begin();
	steps_begin();
	jump_by(taken, NB / 2);
	jumps_count();
	jump_by(taken + NB / 2, NB / 2);
	(void)steps_end();
	nb = jumps_end(nowhere, 3, NB / 2);
	fclose(nowhere);
	return (double)nb / (NB / 2);
}

START_TEST(what_is_always_the_same_is_predicted)
{
	static uint8_t taken[NB];

	ck_assert(missed(taken) < 0.01);
	memset(taken, 1, sizeof(taken));
	ck_assert(missed(taken) < 0.01);
}
END_TEST

START_TEST(a_pattern_is_learned)
{
	static uint8_t taken[NB];

	for (unsigned int i = 0; i < NB; i++)
		taken[i] = i % 7 == 3;
	ck_assert(missed(taken) < 0.01);
}
END_TEST

START_TEST(what_is_random_is_missed_every_other_time)
{
	static uint8_t taken[NB];
	uint32_t random = 1;

	for (unsigned int i = 0; i < NB; i++) {
		random = random * 1664525 + 1013904223;
		taken[i] = random >> 31;
	}
	ck_assert(missed(taken) > 0.4);
	ck_assert(missed(taken) < 0.6);
}
END_TEST
#endif

int main(void)
{
	TCase *tc = tcase_create("jumps");

#if defined(__x86_64__)
	tcase_add_test(tc, what_is_always_the_same_is_predicted);
	tcase_add_test(tc, a_pattern_is_learned);
	tcase_add_test(tc, what_is_random_is_missed_every_other_time);
#endif
	return run_stepped("jumps", tc);
}
