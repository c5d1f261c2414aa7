// SPDX-License-Identifier: BSD-3-Clause
// Our own messages: each shows one thing, EXPECTED.tsv says which, and what the parser must make of
// it. A bug adds a file and a row.
#include "tests/parser/guarded.h"

#include "parser/sip_kernel.h"
#include "parser/sip_msg.h"

#include <check.h>
#include <stdio.h>

#define MESSAGE_MAX 131072

static size_t read_message(const char *name, char *octets)
{
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", MESSAGES_DIR, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	len = fread(octets, 1, MESSAGE_MAX, f);
	fclose(f);
	return len;
}

// Reads "reason offset can_reply"; '-' is anything. Returns 1 and prints when the message differs.
static unsigned int check_one(char *columns[], enum guard_side side, unsigned char pad)
{
	static char octets[MESSAGE_MAX];
	size_t len = read_message(columns[0], octets);
	struct guarded g = guarded_new(octets, len, side, pad);
	struct sip_msg msg;
	enum sip_reason reason = sip_parse(&msg, g.buf, g.len);
	bool good = strcmp(sip_reason_name(reason), columns[1]) == 0;

	if (strcmp(columns[2], "-") != 0)
		good &= reason == SIP_OK || msg.error_off == strtoul(columns[2], NULL, 10);
	if (strcmp(columns[3], "-") != 0)
		good &= reason == SIP_OK || msg.can_reply == (columns[3][0] == 'y');
	if (!good)
		printf("%s, kernel %s: %s at %u%s, wanted %s at %s, reply %s\n", columns[0],
			sip_kernel_name(), sip_reason_name(reason),
			reason == SIP_OK ? 0 : msg.error_off,
			reason != SIP_OK && msg.can_reply ? ", reply" : "", columns[1], columns[2],
			columns[3]);
	guarded_free(&g);
	return !good;
}

static unsigned int check_all(enum guard_side side, unsigned char pad)
{
	FILE *expected = fopen(MESSAGES_DIR "/EXPECTED.tsv", "r");
	unsigned int wrong = 0, messages = 0;
	char *line = NULL;
	size_t room = 0;

	ck_assert_ptr_nonnull(expected);
	while (getline(&line, &room, expected) > 0) {
		char *rest = line, *columns[4];

		for (int i = 0; i < 4; i++)
			columns[i] = strsep(&rest, "\t");
		ck_assert_ptr_nonnull(columns[3]);
		if (messages++ > 0)
			wrong += check_one(columns, side, pad);
	}
	ck_assert_uint_gt(messages, 100);
	free(line);
	fclose(expected);
	return wrong;
}

static const unsigned char pads[] = {'\n', '\r', ' ', ':', 0, 0xff};

START_TEST(every_message_is_what_it_is_said_to_be)
{
	unsigned int wrong = 0;
	const char *kernel;

	for (unsigned int i = 0; (kernel = sip_kernel_at(i)) != NULL; i++) {
		ck_assert_int_eq(sip_kernel_select(kernel), 0);
		wrong += check_all(GUARD_BEHIND, pads[_i]);
		wrong += check_all(GUARD_BEFORE, pads[_i]);
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("messages");
	TCase *tc = tcase_create("messages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_message_is_what_it_is_said_to_be, 0, sizeof(pads));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
