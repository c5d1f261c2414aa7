// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/siphash.h"

#include <stdio.h>

#include "tests/dispatch/suite.h"

static uint8_t key[16], data[64];

static void setup(void)
{
	for (int i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	for (int i = 0; i < 64; i++)
		data[i] = (uint8_t)i;
}

START_TEST(siphash24_gives_the_published_vectors)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{2, 0x0d6c8009d9a94f5a},
		{3, 0x85676696d7fb7e2d},
		{4, 0xcf2794e0277187b7},
		{7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},
		{15, 0xa129ca6149be45e5},
		{63, 0x958a324ceb064572},
	};

	for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		ck_assert_uint_eq(siphash24(key, data, vectors[i].len), vectors[i].hash);
}
END_TEST

START_TEST(siphash13_gives_the_published_vectors)
{
	static const uint64_t vectors[] = {0xabac0158050fc4dc, 0xc9f49bf37d57ca93,
		0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb, 0xcf75576088d38328, 0xdef9d52f49533b67};

	for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		ck_assert_uint_eq(siphash13(key, data, i), vectors[i]);
}
END_TEST

START_TEST(user_and_host_hash_like_the_text_with_the_host_in_lower_case)
{
	static const struct {
		const char *user, *host, *text;
	} rows[] = {
		{"", "", "@"},
		{"Bob", "EXAMPLE.com", "Bob@example.com"},
		{"1234567", "A", "1234567@a"},
		{"12345678", "biloxi.example.ORG", "12345678@biloxi.example.org"},
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_uint_eq(
			siphash_user_host(key, strv_from(rows[i].user), strv_from(rows[i].host)),
			siphash13(key, rows[i].text, strlen(rows[i].text)));
}
END_TEST

// Of every length around the one from which on they are not put together.
START_TEST(a_long_user_hashes_like_the_text)
{
	char text[200];

	memset(text, 'u', sizeof(text));
	for (size_t len = 100; len < 150; len++) {
		memcpy(text + len, "@host.example", 13);
		ck_assert_uint_eq(
			siphash_user_host(key, (struct strv){text, len}, STRV("HOST.Example")),
			siphash13(key, text, len + 13));
		memset(text + len, 'u', 13);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("siphash");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, siphash24_gives_the_published_vectors);
	tcase_add_test(tc, siphash13_gives_the_published_vectors);
	tcase_add_test(tc, user_and_host_hash_like_the_text_with_the_host_in_lower_case);
	tcase_add_test(tc, a_long_user_hashes_like_the_text);
	return run_suite("siphash", tc);
}
