// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "tests/dispatch/oracle.h"
#include "tests/dispatch/suite.h"

#include <string.h>

#define ROUNDS 40000

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

static void setup(void)
{
	oracle_init();
	random_state = 42;
}

// The seeds themselves hold, and they hold something: calls and dialogs go through.
START_TEST(real_messages_keep_the_rules)
{
	const uint8_t *data;
	size_t len;

	for (unsigned int i = 0; (data = oracle_seed(i, &len)) != NULL; i++) {
		const char *wrong = oracle_check(data, len);

		ck_assert_msg(wrong == NULL, "%s: %.*s", wrong, (int)len - 1, data + 1);
	}
}
END_TEST

// Another message as a crafty sender would write it: pieces of real ones, addresses changed.
static size_t mutate(uint8_t out[8192], unsigned int nb)
{
	static const char *const pieces[] = {"203.0.113.5", "192.0.2.66", "198.51.100.10", "5060",
		";rport=53", ";received=192.0.2.66", ";lr", ",", "\r\n", "\r\n ", "\"", "<", ">",
		"@", "sip:", "z9hG4bK", ";branch=", "Route: ", "Via: ", "v: SIP/2.0/UDP ",
		"INVITE ", "ACK ", "Max-Forwards: 0\r\n", "[2001:db8::1]", "\0",
		"Content-Length: 1\r\n"};
	size_t len, other_len;
	const uint8_t *data = oracle_seed(random_below(nb), &len), *other;

	memcpy(out, data, len);
	for (uint32_t n = 1 + random_below(4); n > 0; n--) {
		size_t at = 1 + random_below((uint32_t)len - 1);
		const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];
		size_t piece_len = strlen(piece), cut;

		switch (random_below(6)) {
		case 0: // somebody else sends it
			out[0] = (uint8_t)random_below(ORACLE_FLAGS);
			break;
		case 1: // one octet
			out[at] = (uint8_t)random_below(256);
			break;
		case 2: // one bit
			out[at] ^= (uint8_t)(1 << random_below(8));
			break;
		case 3: // a piece over what is there
			piece_len = piece_len < len - at ? piece_len : len - at;
			memcpy(out + at, piece, piece_len);
			break;
		case 4: // a piece put in
			memmove(out + at + piece_len, out + at, len - at);
			memcpy(out + at, piece, piece_len);
			len += piece_len;
			break;
		default: // the end of another message
			other = oracle_seed(random_below(nb), &other_len);
			cut = 1 + random_below((uint32_t)other_len - 1);
			memcpy(out + at, other + cut, other_len - cut);
			len = at + other_len - cut;
		}
	}
	return len;
}

START_TEST(no_crafted_message_is_sent_where_it_must_not_go)
{
	static uint8_t message[16384];
	unsigned int nb = 0;
	size_t len;

	random_state = 42 + (uint32_t)_i;
	while (oracle_seed(nb, &len) != NULL)
		nb++;
	for (int round = 0; round < ROUNDS; round++) {
		const char *wrong;

		len = mutate(message, nb);
		wrong = oracle_check(message, len);
		ck_assert_msg(wrong == NULL, "round %d, %s: flags %u\n%.*s", round, wrong,
			message[0], (int)len - 1, message + 1);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("forge");

	tcase_set_timeout(tc, 120);
	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, oracle_fini);
	tcase_add_test(tc, real_messages_keep_the_rules);
	tcase_add_loop_test(tc, no_crafted_message_is_sent_where_it_must_not_go, 0, 4);
	return run_suite("forge", tc);
}
