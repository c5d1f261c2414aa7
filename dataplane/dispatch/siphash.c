// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/siphash.h"

#include "dataplane/dispatch/siphash_inline.h"

uint64_t siphash13(const uint8_t key[16], const void *data, size_t len)
{
	struct siphash s = siphash_begin(key);

	return siphash_end(&s, data, len, 0, 1, 3);
}

uint64_t siphash24(const uint8_t key[16], const void *data, size_t len)
{
	struct siphash s = siphash_begin(key);

	return siphash_end(&s, data, len, 0, 2, 4);
}

// Octets on their way into whole words.
struct word_buffer {
	struct siphash s;
	uint64_t word;
	size_t len;
};

static void put_octet(struct word_buffer *b, unsigned char octet)
{
	b->word |= (uint64_t)octet << (8 * (b->len & 7));
	b->len++;
	if ((b->len & 7) == 0) {
		siphash_word(&b->s, b->word, 1);
		b->word = 0;
	}
}

static uint64_t user_host_by_octets(const uint8_t key[16], struct strv user, struct strv host)
{
	struct word_buffer b = {.s = siphash_begin(key)};

	for (size_t i = 0; i < user.len; i++)
		put_octet(&b, (unsigned char)user.ptr[i]);
	put_octet(&b, '@');
	for (size_t i = 0; i < host.len; i++)
		put_octet(&b, strv_lower(host.ptr[i]));
	siphash_word(&b.s, b.word | (uint64_t)b.len << 56, 1);
	b.s.v2 ^= 0xff;
	siphash_rounds(&b.s, 3);
	return b.s.v0 ^ b.s.v1 ^ b.s.v2 ^ b.s.v3;
}

#define TOGETHER_MAX 128 // octets; an AoR is rarely longer

uint64_t siphash_user_host(const uint8_t key[16], struct strv user, struct strv host)
{
	char together[TOGETHER_MAX];

	if (user.len + host.len >= TOGETHER_MAX)
		return user_host_by_octets(key, user, host);
	if (user.len > 0)
		memcpy(together, user.ptr, user.len);
	together[user.len] = '@';
	for (size_t i = 0; i < host.len; i++)
		together[user.len + 1 + i] = (char)strv_lower(host.ptr[i]);
	return siphash13(key, together, user.len + 1 + host.len);
}
