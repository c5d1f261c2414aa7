// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONTROL_ADMIN_CASE_H
#define TESTS_CONTROL_ADMIN_CASE_H

#include <check.h>
#include <string.h>

#include "control/admin_command.h"
#include "tests/control/lab.h"

// A command, and what is said to it.
struct admin_case {
	const char *words, *options; // options: NULL for none
	int exit; // 0: it is done
	const char *error; // begins so; NULL: whatever
};

// Ask, and give the answer back, which is the caller's.
static inline json_t *admin_case_ask(struct lab *lab, const struct admin_case *c)
{
	json_t *answer = lab_command(lab, c->words, c->options);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *options = c->options != NULL ? c->options : "";

	ck_assert_msg(json_is_object(answer), "%s: no answer", c->words);
	if (c->exit == 0) {
		ck_assert_msg(json_is_true(json_object_get(answer, "ok")), "%s %s: %s", c->words,
			options, error != NULL ? error : "");
		return answer;
	}
	ck_assert_msg(
		json_is_false(json_object_get(answer, "ok")), "%s %s is done", c->words, options);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "exit")), c->exit);
	ck_assert_ptr_nonnull(error);
	if (c->error != NULL)
		ck_assert_msg(
			strncmp(error, c->error, strlen(c->error)) == 0, "%s: %s", c->words, error);
	return answer;
}

static inline void admin_case_check(struct lab *lab, const struct admin_case *c)
{
	json_decref(admin_case_ask(lab, c));
}

#endif
