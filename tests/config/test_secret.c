// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/secret.h"

#include <errno.h>

static void setup(void)
{
	secrets_setup();
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void teardown(void)
{
	unlink("K");
	secrets_teardown();
}

struct sample {
	const char *text;
	mode_t mode;
	const char *why; // NULL: accepted
};

#define DIGITS "000102030405060708090a0b0c0d0e0f"

static const struct sample keys[] = {
	{DIGITS, 0600, NULL},
	{DIGITS "\n", 0400, NULL},
	{DIGITS "\n", 0000, NULL}, // root may
	{"000102030405060708090A0B0C0D0E0F", 0600, NULL},
	{DIGITS "\n\n", 0600, "K does not hold a key, allowed: 32 hexadecimal digits"},
	{DIGITS "0", 0600, "K does not hold a key, allowed: 32 hexadecimal digits"},
	{"00010203", 0600, "K does not hold a key, allowed: 32 hexadecimal digits"},
	{"", 0600, "K does not hold a key, allowed: 32 hexadecimal digits"},
	{"g00102030405060708090a0b0c0d0e0f", 0600,
		"K does not hold a key, allowed: 32 hexadecimal digits"},
	{DIGITS, 0640, "K may be read or changed by others, allowed: mode 0600 or stricter"},
	{DIGITS, 0604, "K may be read or changed by others, allowed: mode 0600 or stricter"},
	{DIGITS, 0620, "K may be read or changed by others, allowed: mode 0600 or stricter"},
	{DIGITS, 0700, "K may be read or changed by others, allowed: mode 0600 or stricter"},
};

START_TEST(a_key_is_32_digits_that_no_one_else_may_read)
{
	const struct sample *sample = &keys[_i];
	uint8_t key[CONFIG_KEY_SIZE];
	struct strbuf why = {0};
	int ret;

	if (sample->mode == 0 && geteuid() != 0)
		return;
	write_file("K", sample->text, sample->mode);
	ret = secret_read_key("K", key, &why);
	if (sample->why != NULL) {
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert_str_eq(strbuf_text(&why), sample->why);
	} else {
		ck_assert_int_eq(ret, 0);
		for (uint8_t i = 0; i < CONFIG_KEY_SIZE; i++)
			ck_assert_uint_eq(key[i], i);
	}
	strbuf_fini(&why);
}
END_TEST

START_TEST(a_credential_of_systemd_may_have_a_group)
{
	uint8_t key[CONFIG_KEY_SIZE];
	struct strbuf why = {0};
	char path[128];

	write_file("K", DIGITS, 0440);
	snprintf(path, sizeof(path), "%s/K", scratch);
	ck_assert_int_eq(secret_read_key(path, key, &why), -EINVAL);
	setenv("CREDENTIALS_DIRECTORY", scratch, 1);
	ck_assert_int_eq(secret_read_key(path, key, &why), 0);
	// A directory whose name only starts the same is another one.
	setenv("CREDENTIALS_DIRECTORY", "/tmp/sip", 1);
	ck_assert_int_eq(secret_read_key(path, key, &why), -EINVAL);
	strbuf_fini(&why);
}
END_TEST

START_TEST(the_owner_is_root_or_this_process)
{
	uint8_t key[CONFIG_KEY_SIZE];
	struct strbuf why = {0};

	write_file("K", DIGITS, 0600);
	if (chown("K", 12345, 12345) < 0)
		return; // not root
	ck_assert_int_eq(secret_read_key("K", key, &why), -EINVAL);
	ck_assert_str_eq(strbuf_text(&why),
		"K belongs to another user, allowed: root or the user that runs sipshunt");
	strbuf_fini(&why);
}
END_TEST

START_TEST(only_regular_files_are_read)
{
	static const char *const paths[] = {"/dev/zero", ".", "F"};
	uint8_t key[CONFIG_KEY_SIZE];
	struct strbuf why = {0};

	// Nobody writes to it: opening must not wait.
	ck_assert_int_eq(mkfifo("F", 0600), 0);
	for (size_t i = 0; i < 3; i++) {
		strbuf_truncate(&why, 0);
		ck_assert_int_eq(secret_read_key(paths[i], key, &why), -EINVAL);
		ck_assert_ptr_nonnull(strstr(strbuf_text(&why), "is not a regular file"));
	}
	unlink("F");
	strbuf_fini(&why);
}
END_TEST

START_TEST(a_password_is_the_first_line)
{
	struct strbuf why = {0};
	char *line = NULL;

	ck_assert_int_eq(secret_read_line("P", &line, &why), 0);
	ck_assert_str_eq(line, "pass word");
	secret_free(line);
	write_file("K", "no line end", 0600);
	ck_assert_int_eq(secret_read_line("K", &line, &why), 0);
	ck_assert_str_eq(line, "no line end");
	secret_free(line);
	write_file("K", "\nsecond", 0600);
	ck_assert_int_eq(secret_read_line("K", &line, &why), -EINVAL);
	ck_assert_str_eq(strbuf_text(&why), "K does not hold a password in its first line");
	strbuf_fini(&why);
	secret_free(NULL);
}
END_TEST

START_TEST(a_secret_has_at_most_4096_octets)
{
	char text[4098];
	struct strbuf why = {0};
	char *line = NULL;

	memset(text, 'a', sizeof(text));
	text[4097] = '\0';
	write_file("K", text, 0600);
	ck_assert_int_eq(secret_read_line("K", &line, &why), -EINVAL);
	ck_assert_str_eq(strbuf_text(&why), "K is too large, allowed: 4096 octets");
	text[4096] = '\0';
	write_file("K", text, 0600);
	ck_assert_int_eq(secret_read_line("K", &line, &why), 0);
	ck_assert_uint_eq(strlen(line), 4096);
	secret_free(line);
	strbuf_fini(&why);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_key_is_32_digits_that_no_one_else_may_read, 0, NB(keys));
	tcase_add_test(tc, a_credential_of_systemd_may_have_a_group);
	tcase_add_test(tc, the_owner_is_root_or_this_process);
	tcase_add_test(tc, only_regular_files_are_read);
	tcase_add_test(tc, a_password_is_the_first_line);
	tcase_add_test(tc, a_secret_has_at_most_4096_octets);
}

int main(void)
{
	return run_suite("secret", add_tests);
}
