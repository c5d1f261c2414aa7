// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/base32.h"

#include "dataplane/dispatch/kernel.h"
#include "tests/dispatch/base32_kernel.h"
#include "tests/dispatch/suite.h"

#define GROUPS_LEAST 3
#define GROUPS_MOST 7
#define WORDS 8

static const struct kernel {
	const char *name;
	base32_put_fn *put;
	base32_get_fn *get;
} kernels[] = {
	{"generic", base32_put_generic, base32_get_generic},
#if defined(__x86_64__)
	{"avx2", base32_put_avx2, base32_get_avx2},
	{"avx512", base32_put_avx512, base32_get_avx512},
#endif
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static uint64_t random_state = 1;

static uint64_t random_word(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return random_state ^ random_state >> 29;
}

// Group i of words, most significant bit first.
static uint64_t group_of(const uint64_t *words, unsigned int i)
{
	uint64_t group = 0;

	for (unsigned int bit = 40 * i; bit < 40 * i + 40; bit++)
		group = group << 1 | (words[bit / 64] >> (63 - bit % 64) & 1);
	return group;
}

START_TEST(writes_each_group_and_reads_it_back)
{
	const struct kernel *kernel = &kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (int round = 0; round < 20000; round++) {
		unsigned int groups = GROUPS_LEAST + (unsigned int)round % 5;
		uint64_t words[WORDS], back[WORDS] = {0};
		// A group may be scribbled beyond the last one, and always four are written.
		unsigned int room = 8 * (groups < 4 ? 4 : groups + 1);
		char text[80], wanted[8];

		for (unsigned int i = 0; i < WORDS; i++)
			words[i] = i < 5 ? random_word() : 0;
		memset(text, '*', sizeof(text));
		kernel->put(text, words, groups);
		for (unsigned int i = 0; i < groups; i++) {
			base32_put(wanted, group_of(words, i));
			ck_assert_mem_eq(text + 8 * i, wanted, 8);
		}
		for (unsigned int i = room; i < sizeof(text); i++)
			ck_assert_int_eq(text[i], '*');
		if (round % 2)
			for (unsigned int i = 0; i < 8 * groups; i++)
				text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
		ck_assert(kernel->get(text, back, groups));
		for (unsigned int i = 0; i < 64 * 5 / 40; i++)
			ck_assert_uint_eq(group_of(back, i), i < groups ? group_of(words, i) : 0);
	}
}
END_TEST

START_TEST(refuses_what_is_not_of_the_alphabet)
{
	const struct kernel *kernel = &kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (unsigned int groups = GROUPS_LEAST; groups <= GROUPS_MOST; groups++) {
		for (unsigned int at = 0; at < 8 * groups + 8; at++) {
			for (int c = 0; c < 256; c++) {
				uint64_t words[WORDS] = {0}, back;
				char text[80];
				bool good;

				memset(text, 'a', sizeof(text));
				text[at] = (char)c;
				// What stands behind the last group is not looked at.
				good = at >= 8 * groups || base32_get(text + at / 8 * 8, &back);
				// Not an assertion each: they are slow.
				if (kernel->get(text, words, groups) != good)
					ck_abort_msg("%u groups, %d at %u", groups, c, at);
			}
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("base32");

	tcase_add_loop_test(tc, writes_each_group_and_reads_it_back, 0, NB_KERNELS);
	tcase_add_loop_test(tc, refuses_what_is_not_of_the_alphabet, 0, NB_KERNELS);
	return run_suite("base32", tc);
}
