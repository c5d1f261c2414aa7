// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/suite.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__x86_64__)
START_TEST(an_empty_pair_is_none)
{
	uint64_t steps;

	for (int i = 0; i < 3; i++) {
		steps_begin();
		steps = steps_end();
		ck_assert_uint_eq(steps, 0);
	}
}
END_TEST

START_TEST(instructions_are_counted_one_by_one)
{
	uint64_t steps;

	steps_begin();
	__asm__ volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop");
	steps = steps_end();
	ck_assert_uint_eq(steps, 5);
}
END_TEST

START_TEST(what_a_branch_leaves_out_is_not_counted)
{
	uint64_t steps;

	steps_begin();
	__asm__ volatile("test %%rsp, %%rsp\n\t"
			 "jnz 1f\n\t"
			 "nop\n\tnop\n"
			 "1:" ::
				 : "cc");
	steps = steps_end();
	ck_assert_uint_eq(steps, 2);
}
END_TEST

// How many instructions the compiler or a sanitizer puts around the work is theirs to say.
START_TEST(a_repeated_instruction_is_one)
{
	static char octets[300];
	size_t nb = sizeof(octets);
	void *to = octets;
	uint64_t steps;

	steps_begin();
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(nb) : "a"(7) : "memory");
	steps = steps_end();
	ck_assert_int_eq(octets[sizeof(octets) - 1], 7);
	ck_assert_uint_lt(steps, 50);
}
END_TEST

START_TEST(what_is_read_in_between_grows_with_the_work)
{
	uint64_t before, after;

	steps_begin();
	before = steps_now();
	__asm__ volatile(".rept 100\n\tnop\n\t.endr");
	after = steps_now();
	steps_end();
	ck_assert_uint_ge(after - before, 100);
	ck_assert_uint_lt(after - before, 150);
}
END_TEST
#endif

int main(void)
{
	TCase *tc = tcase_create("steps");

#if defined(__x86_64__)
	tcase_add_test(tc, an_empty_pair_is_none);
	tcase_add_test(tc, instructions_are_counted_one_by_one);
	tcase_add_test(tc, what_a_branch_leaves_out_is_not_counted);
	tcase_add_test(tc, a_repeated_instruction_is_one);
	tcase_add_test(tc, what_is_read_in_between_grows_with_the_work);
#endif
	return run_stepped("steps", tc);
}
