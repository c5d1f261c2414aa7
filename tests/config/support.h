// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONFIG_SUPPORT_H
#define TESTS_CONFIG_SUPPORT_H

#include "config/config.h"
#include "config/strbuf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A file of this folder as text, to be freed. TEST_DIR and SOURCE_DIR come from meson.
static inline char *read_text(const char *path)
{
	struct strbuf text = {0};
	FILE *f = fopen(path, "r");
	char buf[4096];
	size_t len;

	// Not ck_assert: also called before the tests run.
	if (f == NULL) {
		perror(path);
		abort();
	}
	while ((len = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&text, buf, len);
	fclose(f);
	return text.data;
}

static inline void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_msg(f != NULL, "%s", path);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

// The secrets that full.yaml names, in a directory of this test's own that becomes the current one.
static char scratch[] = "/tmp/sipshunt-config.XXXXXX";

static inline void secrets_setup(void)
{
	strcpy(scratch + strlen(scratch) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chdir(scratch), 0);
	write_file("A", "000102030405060708090a0b0c0d0e0f\n", 0600);
	write_file("B", "f0f1f2f3f4f5f6f7f8f9FAFBFCFDFEFF", 0400);
	write_file("P", "pass word\nsecond line\n", 0600);
}

static inline void secrets_teardown(void)
{
	unlink("A");
	unlink("B");
	unlink("P");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(scratch), 0);
}

// The errors of a text, one a line, "" if it is accepted. To be freed.
static inline char *errors_of(const char *name, const char *text, size_t len)
{
	struct config_errors errs = {0};
	struct config *config = config_parse(name, text, len, &errs);
	char *printed = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&printed, &size);

	ck_assert_int_eq(config == NULL, errs.nb_items > 0);
	config_errors_print(f, &errs);
	fclose(f);
	config_destroy(config);
	config_errors_fini(&errs);
	return printed;
}

#define ck_assert_errors(text, expected)                                   \
	do {                                                               \
		const char *text_ = (text);                                \
		char *errors_ = errors_of("t.yaml", text_, strlen(text_)); \
                                                                           \
		ck_assert_str_eq(errors_, (expected));                     \
		free(errors_);                                             \
	} while (0)

// The errors of a file that has these services, and is otherwise fine.
static const char *const services_head =
	"schema: 1\n"
	"node: {name: lb1}\n"
	"dataplane: {workers: 1, ports: [{name: wan0, device: d}]}\n"
	"services:\n";

static inline void assert_service_errors(const char *services, const char *errors)
{
	struct strbuf text = {0};

	strbuf_puts(&text, services_head);
	strbuf_puts(&text, services);
	ck_assert_errors(strbuf_text(&text), errors);
	strbuf_fini(&text);
}

static inline struct config *accept(const char *text)
{
	struct config_errors errs = {0};
	struct config *config = config_parse("t.yaml", text, strlen(text), &errs);

	if (config == NULL)
		config_errors_print(stderr, &errs);
	ck_assert_ptr_nonnull(config);
	config_errors_fini(&errs);
	return config;
}

// Run one suite. Returns what main() is to return.
static inline int run_suite(const char *name, void (*add_tests)(TCase *tc))
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int nb_failed;

	tcase_set_timeout(tc, 120);
	add_tests(tc);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	nb_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nb_failed > 0;
}

#define NB(array) ((int)(sizeof(array) / sizeof((array)[0])))

// `text` with its first `from` replaced, to be freed.
static inline char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	struct strbuf out = {0};

	ck_assert_msg(at != NULL, "\"%s\" is not there", from);
	strbuf_add(&out, text, (size_t)(at - text));
	strbuf_puts(&out, to);
	strbuf_puts(&out, at + strlen(from));
	return out.data;
}

#endif
