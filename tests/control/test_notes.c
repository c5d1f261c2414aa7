// SPDX-License-Identifier: BSD-3-Clause
#include "control/notes.h"

#include "tests/control/suite.h"

#include <stdio.h>
#include <string.h>

static char said[4096];

static void take(const char *text, void *arg)
{
	(void)arg;
	strncat(said, text, sizeof(said) - strlen(said) - 2);
	strcat(said, "\n");
}

// A file with these ports and backends, and what is said about it.
static const char *notes_of(const char *ports, const char *backends)
{
	struct config_errors errs = {0};
	struct config *config;
	char text[16384];

	snprintf(text, sizeof(text),
		"schema: 1\nnode: {name: lb1}\n"
		"dataplane:\n  workers: 1\n  ports:\n%s"
		"services:\n  - name: access\n    listen: [{address: 203.0.113.5}]\n"
		"    backends:\n%s",
		ports, backends);
	config = config_parse("test", text, strlen(text), &errs);
	if (config == NULL)
		config_errors_print(stderr, &errs);
	ck_assert_ptr_nonnull(config);
	said[0] = '\0';
	notes_make(config, take, NULL);
	config_destroy(config);
	return said;
}

#define ONE "    - {name: p0, device: d0}\n"
#define TWO ONE "    - {name: p1, device: d1}\n"
#define SAID "    - {name: p0, device: d0, backends: never}\n"
#define EVEN "      - {name: a, address: 10.0.0.1}\n      - {name: b, address: 10.0.0.2}\n"

START_TEST(several_ports_and_nothing_said_about_backends)
{
	ck_assert_ptr_nonnull(strstr(notes_of(TWO, EVEN), "backends: never"));
	ck_assert_str_eq(notes_of(ONE "    - {name: p1, device: d1, backends: never}\n", EVEN), "");
	ck_assert_str_eq(
		notes_of(ONE "    - {name: p1, device: d1, backends: allowed}\n", EVEN), "");
}
END_TEST

START_TEST(one_port_cannot_tell_who_is_a_backend)
{
	ck_assert_ptr_nonnull(strstr(notes_of(ONE, EVEN), "one port"));
	ck_assert_str_eq(notes_of("    - {name: p0, device: d0, backends: never}\n", EVEN), "");
}
END_TEST

// 50 backends of weight 256 and one of weight 1.
START_TEST(a_backend_of_few_rows)
{
	char backends[8192] = "      - {name: light, address: 10.1.0.1, weight: 1}\n";

	for (int i = 1; i <= 50; i++)
		sprintf(backends + strlen(backends),
			"      - {name: h%d, address: 10.0.0.%d, weight: 256}\n", i, i);
	ck_assert_str_eq(notes_of(SAID, backends),
		"services[access].backends[light]: weight 1 of 12801 is 20 of 262144 rows, so its "
		"load may be off by 88 %\n");
}
END_TEST

// 120 equal ones have 2,184 rows each: three are named, the others are counted.
START_TEST(many_backends_of_few_rows_are_one_line)
{
	char backends[8192] = "";

	for (int i = 1; i <= 120; i++)
		sprintf(backends + strlen(backends), "      - {name: h%d, address: 10.0.0.%d}\n", i,
			i);
	ck_assert_ptr_nonnull(strstr(notes_of(SAID, backends), "h3"));
	ck_assert_ptr_null(strstr(said, "[h4]"));
	ck_assert_ptr_nonnull(strstr(said, "117 more"));
	ck_assert_str_eq(notes_of(SAID, EVEN), "");
}
END_TEST

// Configurations are made by hand: no key files.
static const char *notes_of_keys(const char *from, const char *to)
{
	struct config_key keys[2][2] = {0};
	struct config configs[2] = {0};
	const char *texts[] = {from, to};

	// "ab" has keys a and b, the first of them primary; capitals have other contents.
	for (int c = 0; c < 2; c++) {
		configs[c].has_keys = texts[c][0] != '\0';
		for (const char *p = texts[c]; *p != '\0'; p++) {
			struct config_key *key = &keys[c][configs[c].cluster_keys.nb_keys++];

			key->id = (char)(*p | 0x20);
			memset(key->secret, *p, sizeof(key->secret));
		}
		configs[c].cluster_keys.keys = keys[c];
		configs[c].cluster_keys.primary = (char)(texts[c][0] | 0x20);
	}
	said[0] = '\0';
	notes_change(&configs[0], &configs[1], take, NULL);
	return said;
}

START_TEST(a_key_that_signs_before_others_know_it)
{
	// Step by step nothing is lost.
	ck_assert_str_eq(notes_of_keys("a", "ab"), "");
	ck_assert_str_eq(notes_of_keys("ab", "ba"), "");
	ck_assert_str_eq(notes_of_keys("ba", "b"), "");
	// In one step something is.
	ck_assert_ptr_nonnull(strstr(notes_of_keys("a", "ba"), "key \"b\" signs before"));
	ck_assert_ptr_nonnull(strstr(notes_of_keys("ab", "b"), "key \"a\" signs now"));
	ck_assert_ptr_nonnull(strstr(notes_of_keys("a", "A"), "key \"a\" signs before"));
	ck_assert_str_eq(notes_of_keys("", "a"), "");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("notes");

	tcase_add_test(tc, several_ports_and_nothing_said_about_backends);
	tcase_add_test(tc, one_port_cannot_tell_who_is_a_backend);
	tcase_add_test(tc, a_backend_of_few_rows);
	tcase_add_test(tc, a_key_that_signs_before_others_know_it);
	tcase_add_test(tc, many_backends_of_few_rows_are_one_line);
	return suite_run(tc);
}
