// SPDX-License-Identifier: BSD-3-Clause
#include "control/slots.h"

#include "tests/control/suite.h"

static struct slots *slots;

static void setup(void)
{
	slots = slots_create(4);
	ck_assert_ptr_nonnull(slots);
}

static void teardown(void)
{
	slots_destroy(slots);
}

START_TEST(a_name_keeps_its_slot)
{
	uint16_t a = slots_take(slots, "a"), b = slots_take(slots, "b");

	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(slots_take(slots, "a"), a);
	ck_assert_uint_eq(slots_take(slots, "b"), b);
}
END_TEST

START_TEST(a_name_that_comes_back_finds_its_slot)
{
	uint16_t a = slots_take(slots, "a");

	slots_release(slots, a);
	ck_assert_uint_ne(slots_take(slots, "b"), a);
	ck_assert_uint_eq(slots_take(slots, "a"), a);
}
END_TEST

START_TEST(a_slot_is_reused_only_when_none_is_untouched)
{
	uint16_t a = slots_take(slots, "a");

	slots_release(slots, a);
	slots_take(slots, "b");
	slots_take(slots, "c");
	slots_take(slots, "d");
	ck_assert_uint_eq(slots_take(slots, "e"), a);
}
END_TEST

START_TEST(full_is_full)
{
	slots_take(slots, "a");
	slots_take(slots, "b");
	slots_take(slots, "c");
	slots_take(slots, "d");
	ck_assert_uint_eq(slots_take(slots, "e"), UINT16_MAX);
}
END_TEST

START_TEST(an_adopted_name_has_its_old_slot)
{
	slots_take(slots, "x");
	slots_clear(slots);
	slots_adopt(slots, 2, "b");
	slots_adopt(slots, 400, "out of range");
	ck_assert_uint_ne(slots_take(slots, "a"), 2);
	ck_assert_uint_eq(slots_take(slots, "b"), 2);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("slots");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_name_keeps_its_slot);
	tcase_add_test(tc, a_name_that_comes_back_finds_its_slot);
	tcase_add_test(tc, a_slot_is_reused_only_when_none_is_untouched);
	tcase_add_test(tc, full_is_full);
	tcase_add_test(tc, an_adopted_name_has_its_old_slot);
	return suite_run(tc);
}
