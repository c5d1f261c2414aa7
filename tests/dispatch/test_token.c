// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/token_inline.h"

#include "dataplane/dispatch/base32.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/suite.h"

static struct lab lab;
static char text[TOKEN_TEXT_MAX];
static unsigned int len;

static void setup(void)
{
	lab_init(&lab, &(struct lab_options){.nb_keys = 2});
}

static void teardown(void)
{
	lab_fini(&lab);
}

static const char *const flows[] = {"198.51.100.10:5062", "[2001:db8:1::10]:65535"};

START_TEST(base32_reads_what_it_writes_and_nothing_else)
{
	uint64_t random = 1, back;
	char chars[8];

	for (int i = 0; i < 100000; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		base32_put(chars, random >> 24);
		ck_assert(base32_get(chars, &back));
		ck_assert_uint_eq(back, random >> 24);
	}
	for (int c = 0; c < 256; c++) {
		bool good =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');

		for (int at = 0; at < 8; at++) {
			memset(chars, 'a', 8);
			chars[at] = (char)c;
			ck_assert_msg(base32_get(chars, &back) == good, "%d", c);
		}
	}
	base32_put(chars, UINT64_C(0xf0f1f2f3f4)); // RFC 4648 alphabet
	ck_assert_mem_eq(chars, "6dy7f47u", 8);
}
END_TEST

START_TEST(a_route_token_says_what_was_put_in)
{
	struct route_token in = {0xdeadbeef, 0x1234, 0xfedc, lab_endpoint(flows[_i])}, out;

	len = route_token_format(&lab.snap->keys[1], &in, 77, text);
	ck_assert_uint_le(len, TOKEN_TEXT_MAX);
	ck_assert_int_eq(
		route_token_verify(lab.snap, (struct strv){text, len}, 77, &out), TOKEN_OK);
	ck_assert_uint_eq(out.backend_id, in.backend_id);
	ck_assert_uint_eq(out.client_listener_id, in.client_listener_id);
	ck_assert_uint_eq(out.backend_listener_id, in.backend_listener_id);
	ck_assert(endpoint_eq(&out.flow, &in.flow));
	// Peers that fold case do no harm.
	for (unsigned int i = 0; i < len; i++)
		text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
	ck_assert_int_eq(
		route_token_verify(lab.snap, (struct strv){text, len}, 77, &out), TOKEN_OK);
	// Of another dialog.
	ck_assert_int_eq(
		route_token_verify(lab.snap, (struct strv){text, len}, 78, &out), TOKEN_FORGED);
}
END_TEST

// The two ways to write the tokens of a request agree, for senders' branches of every length and
// both address families.
START_TEST(tokens_made_at_once_are_those_made_one_by_one)
{
	static char padded[16 + 200 + SIP_PAD] = "0123456789abcdefz9hG4bK-";
	struct branch_token branch = {0x1234, 0xdeadbeef};
	struct route_token route = {0xdeadbeef, 0x1234, 0xfedc, lab_endpoint(flows[_i])};
	const struct snapshot_key *key = &lab.snap->keys[0];

	for (unsigned int i = 24; i < sizeof(padded); i++)
		padded[i] = (char)('a' + i % 26);
	for (uint16_t branch_len = 8; branch_len < 200; branch_len++) {
		struct sip_msg msg = {.buf = padded};
		struct sip_via top = {.branch = {16, branch_len}};
		char one[TOKEN_TEXT_MAX], many[TOKEN_TEXT_MAX];
		struct hash_jobs branches, routes;
		uint64_t tags[2], says;
		struct branch_token opened;
		const struct snapshot_key *by;
		bool fits;

		branch_tag_jobs_init(&branches);
		route_tag_jobs_init(&routes);
		fits = branch_tag_job(
			&branches, key, &branch, sip_strv(&msg, top.branch), &route.flow, &tags[0]);
		ck_assert_int_eq(fits, branch_len <= HASH_JOB_DATA_MAX);
		route_tag_job(&routes, key, &route, 4711, &tags[1]);
		hash_jobs_24(&branches);
		hash_jobs_24(&routes);
		len = route_token_format(key, &route, 4711, one);
		ck_assert_uint_eq(route_token_sign(key, &route, tags[1], many), len);
		ck_assert_mem_eq(one, many, len);
		if (!fits)
			continue;
		len = branch_token_format(key, &branch, &msg, &top, &route.flow, one);
		ck_assert_uint_eq(branch_token_sign(key, &branch, tags[0], many), len);
		ck_assert_mem_eq(one, many, len);
		ck_assert(
			branch_token_open(lab.snap, (struct strv){one, len}, &opened, &by, &says));
		ck_assert_uint_eq(says, tags[0]);
		ck_assert_uint_eq(opened.listener_id, branch.listener_id);
		ck_assert_uint_eq(opened.backend_id, branch.backend_id);
		ck_assert_ptr_eq(by, key);
	}
}
END_TEST

START_TEST(a_path_token_says_what_was_put_in)
{
	struct path_token in = {0x1234, lab_endpoint(flows[_i])}, out;

	len = path_token_format(&lab.snap->keys[0], &in, text);
	ck_assert_int_eq(path_token_verify(lab.snap, (struct strv){text, len}, &out), TOKEN_OK);
	ck_assert_uint_eq(out.listener_id, in.listener_id);
	ck_assert(endpoint_eq(&out.flow, &in.flow));
}
END_TEST

START_TEST(a_probe_token_says_what_was_put_in)
{
	uint64_t id;

	len = probe_token_format(&lab.snap->keys[0], 0x0123456789abcdef, text);
	ck_assert_int_eq(probe_token_verify(lab.snap, (struct strv){text, len}, &id), TOKEN_OK);
	ck_assert_uint_eq(id, 0x0123456789abcdef);
}
END_TEST

// Change every character to every other one of the alphabet.
START_TEST(no_single_character_can_be_changed)
{
	struct route_token route = {1, 2, 3, lab_endpoint(flows[_i])};
	struct path_token path = {1, lab_endpoint(flows[_i])};

	for (int kind = 0; kind < 2; kind++) {
		len = kind == 0 ? route_token_format(&lab.snap->keys[0], &route, 77, text)
				: path_token_format(&lab.snap->keys[0], &path, text);
		for (unsigned int at = 0; at < len; at++) {
			char was = text[at];

			for (const char *c = "abcdefghijklmnopqrstuvwxyz234567.-"; *c != '\0';
				c++) {
				struct strv user = {text, len};

				if (*c == was)
					continue;
				text[at] = *c;
				ck_assert_int_ne(
					route_token_verify(lab.snap, user, 77, &route), TOKEN_OK);
				ck_assert_int_ne(
					path_token_verify(lab.snap, user, &path), TOKEN_OK);
			}
			text[at] = was;
		}
	}
}
END_TEST

START_TEST(a_token_under_a_retired_key_is_told_from_a_forged_one)
{
	struct path_token path = {1, lab_endpoint(flows[0])};
	struct snapshot_key gone = {.id = 'x', .key = "gone"};

	len = path_token_format(&gone, &path, text);
	ck_assert_int_eq(
		path_token_verify(lab.snap, (struct strv){text, len}, &path), TOKEN_UNKNOWN_KEY);
	gone.id = 'a';
	len = path_token_format(&gone, &path, text);
	ck_assert_int_eq(
		path_token_verify(lab.snap, (struct strv){text, len}, &path), TOKEN_FORGED);
}
END_TEST

START_TEST(what_is_no_token_is_absent)
{
	static const char *const users[] = {"", "bob", "r", "ra",
		"r12345678901234567890123456789012345678901", // right length, wrong octets
		"xabcdefghijklmnopqrstuvwxyzabcdefghijklmno"};
	struct route_token route;
	struct path_token path;
	uint64_t id;

	for (unsigned int i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct strv user = strv_from(users[i]);

		ck_assert_int_eq(route_token_verify(lab.snap, user, 0, &route),
			i == 4 ? TOKEN_FORGED : TOKEN_ABSENT);
		ck_assert_int_eq(path_token_verify(lab.snap, user, &path), TOKEN_ABSENT);
		ck_assert_int_eq(probe_token_verify(lab.snap, user, &id), TOKEN_ABSENT);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("token");

	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, base32_reads_what_it_writes_and_nothing_else);
	tcase_add_loop_test(tc, a_route_token_says_what_was_put_in, 0, 2);
	tcase_add_loop_test(tc, tokens_made_at_once_are_those_made_one_by_one, 0, 2);
	tcase_add_loop_test(tc, a_path_token_says_what_was_put_in, 0, 2);
	tcase_add_test(tc, a_probe_token_says_what_was_put_in);
	tcase_add_loop_test(tc, no_single_character_can_be_changed, 0, 2);
	tcase_add_test(tc, a_token_under_a_retired_key_is_told_from_a_forged_one);
	tcase_add_test(tc, what_is_no_token_is_absent);
	return run_suite("token", tc);
}
