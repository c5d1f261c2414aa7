// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/message.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *arrow(struct strv octets, size_t off, size_t first)
{
	// Static, because gcc takes the stream for a keeper of their addresses.
	static char *text;
	static size_t size;
	FILE *out = open_memstream(&text, &size);

	message_print_arrow(out, octets, off, first);
	fclose(out);
	return text;
}

START_TEST(the_arrow_stands_under_the_octet)
{
	char *text = arrow(STRV("a\r\nbb\r\ncc\r\ndd\r\n"), 12, 0);

	ck_assert_str_eq(
		text, "   00003  bb\\r\\n\n   00007  cc\\r\\n\n   00011  dd\\r\\n\n           ^\n");
	free(text);
}
END_TEST

START_TEST(escaped_octets_move_the_arrow)
{
	char *text = arrow(STRV("\x01\t\\x"), 3, 100);

	ck_assert_str_eq(text, "   00100  \\x01\\t\\\\x\n                  ^\n");
	free(text);
}
END_TEST

START_TEST(an_offset_behind_the_end_points_there)
{
	char *text = arrow(STRV("ab"), 99, 0);

	ck_assert_str_eq(text, "   00000  ab\n            ^\n");
	free(text);
	text = arrow(STRV("ab\n"), 3, 0);
	ck_assert_str_eq(text, "   00000  ab\\n\n   00003  \n          ^\n");
	free(text);
	text = arrow(STRV(""), 0, 0);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(a_long_line_is_cut_around_the_arrow)
{
	static char line[5000];
	char *text;

	memset(line, 'a', sizeof(line));
	line[2500] = 'X';
	text = arrow((struct strv){line, sizeof(line)}, 2500, 0);
	ck_assert_uint_eq(strcspn(text, "\n"), 10 + 60 + 40);
	ck_assert_int_eq(text[10 + 60], 'X');
	ck_assert_int_eq(strchr(text, '\n')[1 + 10 + 60], '^');
	free(text);
}
END_TEST

static const struct {
	const char *in, *out;
} folds[] = {
	{"", ""},
	{"a b", "a b"},
	{"a  b", "a  b"},
	{"a,\r\n b", "a, b"},
	{"a \r\n\t b", "a b"},
	{"a\r\n \r\n b", "a b"},
	{"a\rb", "a\rb"},
};

START_TEST(unfolds_to_one_space)
{
	size_t len;
	char *text = message_unfold(strv_from(folds[_i].in), &len);

	ck_assert_str_eq(text, folds[_i].out);
	ck_assert_uint_eq(len, strlen(folds[_i].out));
	free(text);
}
END_TEST

START_TEST(unfold_keeps_nul)
{
	size_t len;
	char *text = message_unfold(STRV("a\0\0b"), &len);

	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(text, "a\0\0b", 4);
	free(text);
}
END_TEST

START_TEST(reads_only_files_of_a_message_size)
{
	struct message message;
	char name[] = "/tmp/cli-message-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	ck_assert_int_eq(message_read(name, &message), 0);
	ck_assert_uint_eq(message.len, 3);
	ck_assert_mem_eq(message.octets, "abc", 3);
	// The room around it that the parser may read.
	ck_assert_int_eq(message.octets[-SIP_PAD] | message.octets[message.len + SIP_PAD - 1], 0);
	message_fini(&message);
	ck_assert_int_eq(ftruncate(fd, MESSAGE_SIZE_MAX + 1), 0);
	ck_assert_int_eq(message_read(name, &message), -EFBIG);
	unlink(name);
	close(fd);
	ck_assert_int_eq(message_read(name, &message), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli/message");
	TCase *tcase = tcase_create("message");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, the_arrow_stands_under_the_octet);
	tcase_add_test(tcase, escaped_octets_move_the_arrow);
	tcase_add_test(tcase, an_offset_behind_the_end_points_there);
	tcase_add_test(tcase, a_long_line_is_cut_around_the_arrow);
	tcase_add_loop_test(
		tcase, unfolds_to_one_space, 0, (int)(sizeof(folds) / sizeof(folds[0])));
	tcase_add_test(tcase, unfold_keeps_nul);
	tcase_add_test(tcase, reads_only_files_of_a_message_size);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
