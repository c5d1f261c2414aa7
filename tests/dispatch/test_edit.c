// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/edit.h"
#include "dataplane/dispatch/kernel.h"

#include "tests/dispatch/suite.h"

#define HEADROOM 2048

static uint32_t random_state = 7;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

// The obvious way: into another buffer, piece by piece.
static uint32_t apply_plainly(
	const char *buf, uint32_t len, const struct edit_list *list, char *out)
{
	uint32_t from = 0, to = 0;

	for (int i = 0; i < list->nb; i++) {
		const struct edit *e = &list->edits[i];

		memcpy(out + to, buf + from, e->off - from);
		to += e->off - from;
		memcpy(out + to, list->text + e->text, e->text_len);
		to += e->text_len;
		from = (uint32_t)e->off + e->removed;
	}
	memcpy(out + to, buf + from, len - from);
	return to + len - from;
}

static void replace(struct edit_list *list, uint32_t off, uint32_t removed, struct strv text)
{
	uint32_t start = list->text_len;

	edit_append(list, text);
	edit_add(list, off, removed, start, list->text_len - start);
}

START_TEST(in_place_gives_what_a_copy_gives)
{
	static char room[2 * HEADROOM + 1024], wanted[4096], copied[4096];

	for (int round = 0; round < 20000; round++) {
		uint32_t len = 1 + random_below(600), off = 0, wanted_len;
		char *buf = room + HEADROOM;
		struct sip_msg msg = {.buf = buf, .len = len};
		struct edit_list list;

		for (uint32_t i = 0; i < len; i++)
			buf[i] = (char)random_below(256);
		edit_list_init(&list);
		for (uint32_t i = random_below(8); i > 0 && off < len; i--) {
			uint32_t removed = random_below(3) ? random_below(80) : 0;
			char text[100];

			off += random_below(120);
			if (off > len)
				break;
			removed = removed < len - off ? removed : len - off;
			memset(text, 'A' + (int)i, sizeof(text));
			replace(&list, off, removed,
				(struct strv){text, random_below(3) ? random_below(90) : 0});
			off += removed + (removed == 0);
		}
		wanted_len = apply_plainly(buf, len, &list, wanted);
		ck_assert_uint_eq(wanted_len, len + (uint32_t)list.growth);
		ck_assert_uint_eq(edit_apply(&msg, &list, copied), wanted_len);
		ck_assert_mem_eq(copied, wanted, wanted_len);
		ck_assert_uint_eq(edit_apply(&msg, &list, buf - list.growth), wanted_len);
		ck_assert_mem_eq(buf - list.growth, wanted, wanted_len);
	}
}
END_TEST

// Wherever the message goes, towards its front or its end, by as little as one octet: the result is
// what a copy gives, and nothing around it changes.
START_TEST(a_new_front_moves_the_rest)
{
	static char room[4 * HEADROOM], before[4 * HEADROOM], wanted[8192];

	ck_assert_int_eq(dispatch_kernel_select(dispatch_kernel_at((unsigned int)_i)), 0);
	for (int round = 0; round < 20000; round++) {
		char *buf = room + HEADROOM;
		uint32_t len = 1 + random_below(random_below(2) ? 700 : 2000), shift;
		uint32_t removed = random_below(len < 600 ? len + 1 : 600);
		struct sip_msg msg = {.buf = buf, .len = len};
		struct edit_list list;
		char *out;

		for (size_t i = 0; i < sizeof(room); i++)
			room[i] = (char)random_below(256);
		edit_list_init(&list);
		list.text_len = (uint16_t)random_below(700);
		for (uint32_t i = 0; i < list.text_len; i++)
			list.text[i] = (char)random_below(256);
		edit_add(&list, 0, removed, 0, list.text_len);
		memcpy(before, room, sizeof(room));
		len = apply_plainly(buf, len, &list, wanted);
		// In the headroom, a little of it, or not at all.
		shift = random_below(3) == 0 ? 0 : random_below(400);
		out = buf - list.growth + shift;
		if (random_below(4) == 0)
			out -= random_below(300);
		ck_assert_uint_eq(edit_apply(&msg, &list, out), len);
		ck_assert_mem_eq(out, wanted, len);
		memcpy(before + (out - room), out, len);
		ck_assert_mem_eq(room, before, sizeof(room));
	}
	dispatch_kernel_select(NULL);
}
END_TEST

static int nb_kernels(void)
{
	int nb = 0;

	while (dispatch_kernel_at((unsigned int)nb) != NULL)
		nb++;
	return nb;
}

START_TEST(edits_are_sorted_as_they_come)
{
	const char buf[] = "0123456789";
	struct sip_msg msg = {.buf = buf, .len = 10};
	struct edit_list list;
	char out[64] = {0};

	edit_list_init(&list);
	replace(&list, 8, 1, STRV("H"));
	replace(&list, 2, 3, STRV("CDE"));
	replace(&list, 2, 0, STRV("<"));
	replace(&list, 0, 1, STRV(""));
	replace(&list, 2, 0, STRV("<"));
	ck_assert_uint_eq(edit_apply(&msg, &list, out), 11);
	ck_assert_str_eq(out, "1<<CDE567H9");
}
END_TEST

START_TEST(what_does_not_fit_is_an_overflow)
{
	static char long_text[EDIT_TEXT_MAX];
	struct edit_list list;

	edit_list_init(&list);
	replace(&list, 0, 0, (struct strv){long_text, sizeof(long_text)});
	ck_assert(!list.overflow);
	replace(&list, 0, 0, STRV("x"));
	ck_assert(list.overflow);

	edit_list_init(&list);
	for (uint32_t i = 0; i < EDITS_MAX; i++)
		edit_add(&list, i, 1, 0, 0);
	ck_assert(!list.overflow);
	edit_add(&list, 100, 1, 0, 0);
	ck_assert(list.overflow);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("edit");

	tcase_add_test(tc, in_place_gives_what_a_copy_gives);
	tcase_add_loop_test(tc, a_new_front_moves_the_rest, 0, nb_kernels());
	tcase_add_test(tc, edits_are_sorted_as_they_come);
	tcase_add_test(tc, what_does_not_fit_is_an_overflow);
	return run_suite("edit", tc);
}
