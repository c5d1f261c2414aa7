// SPDX-License-Identifier: BSD-3-Clause
#include "control/words.h"

#include "tests/control/suite.h"

static const struct {
	const char *text;
	const char *words[4]; // NULL: no more is looked for
} samples[] = {
	{"a", {"a", ""}},
	{"a bc", {"a", "bc", ""}},
	{"a  b", {"a", "", "b", ""}},
	{" a", {"", "a", ""}},
	{"a ", {"a", "", ""}},
	{"", {"", ""}},
	{" ", {"", "", ""}},
	{"a\tb c", {"a\tb", "c", ""}},
};

START_TEST(words_are_cut_off_one_by_one)
{
	struct strv text = strv_from(samples[_i].text);

	for (int i = 0; i < 4 && samples[_i].words[i] != NULL; i++) {
		struct strv word = words_next(&text);

		ck_assert(strv_eq(word, strv_from(samples[_i].words[i])));
	}
	ck_assert_uint_eq(text.len, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("words");

	tcase_add_loop_test(
		tc, words_are_cut_off_one_by_one, 0, sizeof(samples) / sizeof(samples[0]));
	return suite_run(tc);
}
