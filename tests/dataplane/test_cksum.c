// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/cksum.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>

// RFC 1071 as its section 4.1 writes it.
static uint16_t reference(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

START_TEST(sums_agree_at_every_length_and_alignment)
{
	// Against an unmapped page: one octet too far is a crash.
	uint8_t *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t seed = 1;

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(map + 4096, 4096, PROT_NONE), 0);
	for (unsigned int i = 0; i < 4096; i++)
		map[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
	for (size_t len = 0; len < 1600; len++) {
		const uint8_t *p = map + 4096 - len;

		ck_assert_uint_eq(cksum_fold(cksum_add(0, p, len)), reference(p, len));
	}
	munmap(map, 8192);
}
END_TEST

START_TEST(carries_are_kept)
{
	static uint8_t ones[65535];

	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 0; len <= sizeof(ones); len += 4369)
		ck_assert_uint_eq(cksum_fold(cksum_add(0, ones, len)), reference(ones, len));
	ck_assert_uint_eq(cksum_fold(UINT64_MAX), 0xffff);
}
END_TEST

START_TEST(pieces_add_up)
{
	static const uint8_t octets[] = "the quick brown fox jumps over the lazy dog, and again: "
					"the quick brown fox jumps over the lazy dog.";

	for (size_t cut = 0; cut < sizeof(octets); cut += 2)
		ck_assert_uint_eq(cksum_fold(cksum_add(cksum_add(0, octets, cut), octets + cut,
					  sizeof(octets) - cut)),
			reference(octets, sizeof(octets)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cksum");
	TCase *tcase = tcase_create("cksum");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, sums_agree_at_every_length_and_alignment);
	tcase_add_test(tcase, carries_are_kept);
	tcase_add_test(tcase, pieces_add_up);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
