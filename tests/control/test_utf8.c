// SPDX-License-Identifier: BSD-3-Clause
#include "control/utf8.h"

#include "tests/control/suite.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Against a page that cannot be read.
static struct strv guarded(const char *octets)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = strlen(octets);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(map != MAP_FAILED);
	ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
	return (struct strv){memcpy(map + page - len, octets, len), len};
}

static const struct {
	const char *octets;
	unsigned int len;
	uint32_t character;
} samples[] = {
	{"a", 1, 'a'},
	{"\x7f", 1, 0x7f},
	{"\xc2\x80", 2, 0x80},
	{"\xc3\xa9t", 2, 0xe9},
	{"\xdf\xbf", 2, 0x7ff},
	{"\xe0\xa0\x80", 3, 0x800},
	{"\xed\x9f\xbf", 3, 0xd7ff},
	{"\xee\x80\x80", 3, 0xe000},
	{"\xef\xbf\xbf", 3, 0xffff},
	{"\xf0\x90\x80\x80", 4, 0x10000},
	{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	// RFC 3629: nothing else.
	{"", 0, 0},
	{"\x80", 0, 0},
	{"\xbf", 0, 0},
	{"\xc0\x80", 0, 0},
	{"\xc1\xbf", 0, 0},
	{"\xc3", 0, 0},
	{"\xc3(", 0, 0},
	{"\xe0\x9f\xbf", 0, 0},
	{"\xe2\x82", 0, 0},
	{"\xe2\x28\xa1", 0, 0},
	{"\xed\xa0\x80", 0, 0},
	{"\xed\xbf\xbf", 0, 0},
	{"\xf0\x8f\xbf\xbf", 0, 0},
	{"\xf0\x90\x80", 0, 0},
	{"\xf4\x90\x80\x80", 0, 0},
	{"\xf5\x80\x80\x80", 0, 0},
	{"\xff", 0, 0},
};

START_TEST(a_character_is_decoded_or_refused)
{
	uint32_t character = 0;

	ck_assert_uint_eq(utf8_decode(guarded(samples[_i].octets), &character), samples[_i].len);
	ck_assert_uint_eq(character, samples[_i].character);
}
END_TEST

START_TEST(the_replacement_is_itself_utf8)
{
	uint32_t character;

	ck_assert_uint_eq(utf8_decode(STRV(UTF8_REPLACEMENT), &character), 3);
	ck_assert_uint_eq(character, 0xfffd);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("utf8");

	tcase_add_loop_test(
		tc, a_character_is_decoded_or_refused, 0, sizeof(samples) / sizeof(samples[0]));
	tcase_add_test(tc, the_replacement_is_itself_utf8);
	return suite_run(tc);
}
