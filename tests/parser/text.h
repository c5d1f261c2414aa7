// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_PARSER_TEXT_H
#define TESTS_PARSER_TEXT_H

#include "tests/parser/guarded.h"

#include <check.h>
#include <stdio.h>

// Tests of values: a text as if it stood in a message, between pages that cannot be read.
struct text {
	struct guarded guarded;
	struct sip_msg msg;
	struct sip_slice all;
};

static inline struct text text_new(const char *s)
{
	struct text t = {.guarded = guarded_new(s, strlen(s), GUARD_BEHIND, ';')};

	t.msg.buf = t.guarded.buf;
	t.msg.len = (uint32_t)t.guarded.len;
	t.all = (struct sip_slice){0, (uint16_t)t.guarded.len};
	return t;
}

static inline void text_free(struct text *t)
{
	guarded_free(&t->guarded);
}

// A slice as a string, good until the eighth next call; NULL when absent.
static inline const char *str(const struct sip_msg *msg, struct sip_slice s)
{
	static char strings[8][512];
	static unsigned int next;
	char *out = strings[next++ % 8];

	if (s.off == 0 && s.len == 0)
		return NULL;
	snprintf(out, sizeof(strings[0]), "%.*s", s.len, msg->buf + s.off);
	return out;
}

static inline int run_suite(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	add(tc);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
