// SPDX-License-Identifier: BSD-3-Clause
#include "control/log.h"

#include "tests/control/suite.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

LOG_TOPIC("test");

static FILE *file;
static char text[8192];

// What goes to stderr, from now on into a file.
static void setup(void)
{
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
	fflush(stderr);
	ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
}

static const char *written(void)
{
	size_t len;

	fflush(stderr);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
	rewind(file);
	return text;
}

static void start(
	enum config_log_level level, enum config_log_target target, enum config_log_format format)
{
	log_init(&(struct config_log){.level = level, .target = target, .format = format});
}

static const enum config_log_level levels[] = {
	CONFIG_LOG_ERR, CONFIG_LOG_WARNING, CONFIG_LOG_NOTICE, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG};

START_TEST(a_level_hides_those_below_it)
{
	start(levels[_i], CONFIG_LOG_STDERR, CONFIG_LOG_LOGFMT);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(log_enabled(levels[i]), i <= _i);
	LOG(ERR, "x");
	LOG(DEBUG, "lowest");
	ck_assert_int_eq(strstr(written(), "lowest") != NULL, _i == 4);
}
END_TEST

START_TEST(before_it_is_told_it_speaks_from_info_on)
{
	LOG(INFO, "hello");
	LOG(DEBUG, "quiet");
	ck_assert_ptr_nonnull(strstr(written(), " level=info topic=test msg=\"hello\"\n"));
	ck_assert_ptr_null(strstr(text, "quiet"));
}
END_TEST

START_TEST(logfmt_begins_with_the_time)
{
	int year, month, day, hour, minute, second, ms, end = 0;

	start(CONFIG_LOG_INFO, CONFIG_LOG_STDERR, CONFIG_LOG_LOGFMT);
	LOG(WARNING, "%s is %d", "b1", 7);
	sscanf(written(), "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour, &minute,
		&second, &ms, &end);
	ck_assert_int_eq(end, 28);
	ck_assert_str_eq(text + end, "level=warning topic=test msg=\"b1 is 7\"\n");
}
END_TEST

// A message as it was given, and as it stands between the quotes of logfmt and JSON.
static const struct {
	const char *message, *quoted, *plain;
} hostile[] = {
	{"a \"quoted\" word", "a \\\"quoted\\\" word", "a \"quoted\" word"},
	{"back\\slash", "back\\\\slash", "back\\slash"},
	{"two\nlines", "two\\u000alines", "two\\u000alines"},
	{"\x1b[31mred", "\\u001b[31mred", "\\u001b[31mred"},
	{"del\x7f", "del\\u007f", "del\\u007f"},
	{"\r\t\x01", "\\u000d\\u0009\\u0001", "\\u000d\\u0009\\u0001"},
	{"f\xc3\xbcr", "f\xc3\xbcr", "f\xc3\xbcr"},
};

START_TEST(a_message_cannot_forge_a_line)
{
	char end[128];

	start(CONFIG_LOG_INFO, CONFIG_LOG_STDERR, CONFIG_LOG_LOGFMT);
	LOG(INFO, "%s", hostile[_i].message);
	snprintf(end, sizeof(end), "msg=\"%s\"\n", hostile[_i].quoted);
	ck_assert_str_eq(strstr(written(), "msg="), end);
}
END_TEST

START_TEST(nor_in_the_journal)
{
	char line[128];

	start(CONFIG_LOG_INFO, CONFIG_LOG_JOURNAL, CONFIG_LOG_LOGFMT);
	LOG(ERR, "%s", hostile[_i].message);
	snprintf(line, sizeof(line), "<3>test: %s\n", hostile[_i].plain);
	ck_assert_str_eq(written(), line);
}
END_TEST

START_TEST(json_is_json)
{
	json_t *line;

	start(CONFIG_LOG_INFO, CONFIG_LOG_STDERR, CONFIG_LOG_JSON);
	LOG(NOTICE, "%s", hostile[_i].message);
	line = json_loads(written(), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(json_string_value(json_object_get(line, "msg")), hostile[_i].message);
	ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "notice");
	ck_assert_str_eq(json_string_value(json_object_get(line, "topic")), "test");
	json_decref(line);
}
END_TEST

START_TEST(a_long_message_is_cut_and_the_line_is_whole)
{
	char message[4096];
	json_t *line;

	// Every octet becomes six.
	memset(message, '\x01', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	start(CONFIG_LOG_INFO, CONFIG_LOG_STDERR, CONFIG_LOG_JSON);
	LOG(ERR, "%s", message);
	line = json_loads(written(), 0, NULL);
	ck_assert_ptr_nonnull(line);
	json_decref(line);
}
END_TEST

static const unsigned char not_utf8[][8] = {
	"\xff", "\xc3(", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc0\x80"};

START_TEST(json_is_json_whatever_the_octets)
{
	json_t *line;

	start(CONFIG_LOG_INFO, CONFIG_LOG_STDERR, CONFIG_LOG_JSON);
	LOG(ERR, "%s", (const char *)not_utf8[_i]);
	line = json_loads(written(), 0, NULL);
	ck_assert_ptr_nonnull(line);
	json_decref(line);
}
END_TEST

#define NB(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, a_level_hides_those_below_it, 0, NB(levels));
	tcase_add_test(tc, before_it_is_told_it_speaks_from_info_on);
	tcase_add_test(tc, logfmt_begins_with_the_time);
	tcase_add_loop_test(tc, a_message_cannot_forge_a_line, 0, NB(hostile));
	tcase_add_loop_test(tc, nor_in_the_journal, 0, NB(hostile));
	tcase_add_loop_test(tc, json_is_json, 0, NB(hostile));
	tcase_add_test(tc, a_long_message_is_cut_and_the_line_is_whole);
	tcase_add_loop_test(tc, json_is_json_whatever_the_octets, 0, NB(not_utf8));
	return suite_run(tc);
}
