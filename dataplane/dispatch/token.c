// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/token_inline.h"

static const struct snapshot_key *find_key(const struct snapshot *snap, char id)
{
	id = (char)strv_lower(id);
	for (unsigned int i = 0; i < snap->nb_keys; i++)
		if (snap->keys[i].id == id)
			return &snap->keys[i];
	return NULL;
}

static void set_ipv4(struct ip_addr *ip, uint64_t bits)
{
	uint32_t be = __builtin_bswap32((uint32_t)bits);

	*ip = (struct ip_addr){.family = 4};
	memcpy(ip->octets, &be, 4);
}

static void set_ipv6(struct ip_addr *ip, uint64_t high, uint64_t low)
{
	ip->family = 6;
	high = __builtin_bswap64(high);
	low = __builtin_bswap64(low);
	memcpy(ip->octets, &high, 8);
	memcpy(ip->octets + 8, &low, 8);
}

// Begin a tag with what it always covers: its kind, an endpoint and 64 bits more. Returns the
// octets taken in.
static inline size_t tag_begin(struct siphash *s, const struct snapshot_key *key,
	enum token_kind kind, const struct endpoint *ep, uint64_t bits)
{
	uint64_t first = (uint64_t)kind << 56 | (uint64_t)ep->port << 32;

	*s = siphash_begin(key->key);
	siphash_word(s, bits, 2);
	if (ep->ip.family != 6) {
		siphash_word(s, first | ipv4_bits(&ep->ip), 2);
		return 16;
	}
	siphash_word(s, first | UINT64_C(1) << 63, 2);
	siphash_word(s, load_be(ep->ip.octets), 2);
	siphash_word(s, load_be(ep->ip.octets + 8), 2);
	return 32;
}

// Take in a variable-length field so that two different sequences of fields never look the same.
static void tag_field(struct siphash *s, struct strv field, size_t *before)
{
	siphash_word(s, field.len, 2);
	for (size_t i = 0; i < field.len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, field.ptr + i, field.len - i < 8 ? field.len - i : 8);
		siphash_word(s, word, 2);
	}
	*before += 8 + (field.len + 7) / 8 * 8;
}

// A sender without the magic cookie (RFC 2543) is known by its sent-by, branch, From tag, Call-ID
// and CSeq number: of what 16.11 names, all that the response brings back. The Request-URI's hash
// is in the token itself.
static __attribute__((noinline)) uint64_t branch_tag_2543(const struct snapshot_key *key,
	const struct branch_token *token, const struct sip_msg *msg, const struct sip_via *via,
	const struct endpoint *target, uint64_t uri_hash)
{
	struct siphash s;
	size_t before = tag_begin(&s, key, KIND_BRANCH_2543, target, branch_bits(token));

	tag_field(&s, sip_strv(msg, via->sent_by), &before);
	tag_field(&s, sip_strv(msg, via->branch), &before);
	tag_field(&s, sip_strv(msg, msg->from_tag), &before);
	tag_field(&s, sip_strv(msg, msg->call_id), &before);
	siphash_word(&s, uri_hash << 32 | msg->cseq, 2);
	return siphash_end(&s, NULL, 0, before + 8, 2, 4);
}

static inline uint64_t branch_tag(const struct snapshot_key *key, const struct branch_token *token,
	struct strv branch, const struct endpoint *target)
{
	struct siphash s;
	size_t before = tag_begin(&s, key, KIND_BRANCH, target, branch_bits(token));

	return siphash_end(&s, branch.ptr, branch.len, before, 2, 4);
}

static __attribute__((noinline)) unsigned int branch_token_format_2543(
	const struct snapshot_key *key, const struct branch_token *token, const struct sip_msg *msg,
	const struct sip_via *via, const struct endpoint *target, char out[TOKEN_TEXT_MAX])
{
	struct siphash s = siphash_begin(key->key);
	uint64_t uri_hash =
		siphash_end(&s, msg->buf + msg->request_uri.off, msg->request_uri.len, 0, 2, 4) >>
		32;
	uint64_t tag = branch_tag_2543(key, token, msg, via, target, uri_hash);
	const uint64_t words[WORDS_MAX] = {
		branch_bits(token) << 16 | tag >> 48, tag << 16 | uri_hash >> 16, uri_hash << 48};

	memcpy(out, COOKIE, COOKIE_LEN);
	out[COOKIE_LEN] = KIND_BRANCH_2543;
	out[COOKIE_LEN + 1] = key->id;
	put_groups(out + COOKIE_LEN + 2, words, BRANCH_2543_GROUPS);
	return COOKIE_LEN + 2 + 8 * BRANCH_2543_GROUPS;
}

unsigned int branch_token_format(const struct snapshot_key *key, const struct branch_token *token,
	const struct sip_msg *msg, const struct sip_via *via, const struct endpoint *target,
	char out[TOKEN_TEXT_MAX])
{
	struct strv branch = sip_strv(msg, via->branch);

	if (!has_cookie(branch))
		return branch_token_format_2543(key, token, msg, via, target, out);
	return branch_token_sign(key, token, branch_tag(key, token, branch, target), out);
}

bool branch_token_open(const struct snapshot *snap, struct strv branch, struct branch_token *token,
	const struct snapshot_key **key, uint64_t *tag)
{
	uint64_t words[WORDS_MAX] = {0};

	if (branch.len != COOKIE_LEN + 2 + 8 * BRANCH_GROUPS || !has_cookie(branch) ||
		(branch.ptr[COOKIE_LEN] | 0x20) != KIND_BRANCH ||
		!get_groups(branch.ptr + COOKIE_LEN + 2, words, BRANCH_GROUPS) ||
		(words[1] & 0xffff) != 0)
		return false;
	token->listener_id = (uint16_t)(words[0] >> 48);
	token->backend_id = (uint32_t)(words[0] >> 16);
	*tag = words[0] << 48 | words[1] >> 16;
	*key = find_key(snap, branch.ptr[COOKIE_LEN + 1]);
	return *key != NULL;
}

enum token_error branch_token_verify(const struct snapshot *snap, struct strv branch,
	const struct sip_msg *msg, const struct sip_via *next, const struct endpoint *target,
	struct branch_token *token)
{
	const struct snapshot_key *key;
	struct strv sender = sip_strv(msg, next->branch);
	uint64_t words[WORDS_MAX] = {0}, tag;
	unsigned char kind;
	unsigned int groups;
	bool plain;

	if (branch.len < COOKIE_LEN + 2 || !has_cookie(branch))
		return TOKEN_ABSENT;
	kind = strv_lower(branch.ptr[COOKIE_LEN]);
	groups = kind == KIND_BRANCH ? BRANCH_GROUPS : BRANCH_2543_GROUPS;
	if ((kind != KIND_BRANCH && kind != KIND_BRANCH_2543) ||
		branch.len != COOKIE_LEN + 2 + 8 * groups)
		return TOKEN_ABSENT;
	plain = kind == KIND_BRANCH
		? get_groups(branch.ptr + COOKIE_LEN + 2, words, BRANCH_GROUPS)
		: get_groups(branch.ptr + COOKIE_LEN + 2, words, BRANCH_2543_GROUPS);
	if (!plain)
		return TOKEN_FORGED;
	key = find_key(snap, branch.ptr[COOKIE_LEN + 1]);
	if (key == NULL)
		return TOKEN_UNKNOWN_KEY;

	token->listener_id = (uint16_t)(words[0] >> 48);
	token->backend_id = (uint32_t)(words[0] >> 16);
	tag = words[0] << 48 | words[1] >> 16;
	if (kind == KIND_BRANCH) {
		// The bits that the groups have left over are zero: one token, one text.
		if (!has_cookie(sender) || (words[1] & 0xffff) != 0)
			return TOKEN_FORGED;
		tag ^= branch_tag(key, token, sender, target);
	} else {
		if (has_cookie(sender) || words[2] << 16 != 0)
			return TOKEN_FORGED;
		tag ^= branch_tag_2543(
			key, token, msg, next, target, (words[1] & 0xffff) << 16 | words[2] >> 48);
	}
	return tag == 0 ? TOKEN_OK : TOKEN_FORGED;
}

static inline uint64_t route_tag(
	const struct snapshot_key *key, const struct route_token *token, uint64_t call_digest)
{
	struct siphash s;
	size_t before = tag_begin(&s, key, KIND_ROUTE_4, &token->flow, route_bits(token));

	siphash_word(&s, call_digest, 2);
	return siphash_end(&s, NULL, 0, before + 8, 2, 4);
}

unsigned int route_token_format(const struct snapshot_key *key, const struct route_token *token,
	uint64_t call_digest, char out[TOKEN_TEXT_MAX])
{
	return route_token_sign(key, token, route_tag(key, token, call_digest), out);
}

// What a token says, with which key it is signed and by which tag.
static inline enum token_error route_token_open(const struct snapshot *snap, struct strv user,
	struct route_token *token, const struct snapshot_key **key, uint64_t *tag)
{
	uint64_t words[WORDS_MAX] = {0};
	unsigned char kind;

	if (user.len != 2 + 8 * ROUTE_4_GROUPS && user.len != 2 + 8 * ROUTE_6_GROUPS)
		return TOKEN_ABSENT;
	kind = strv_lower(user.ptr[0]);
	if (kind == KIND_ROUTE_4 && user.len == 2 + 8 * ROUTE_4_GROUPS) {
		if (!get_groups(user.ptr + 2, words, ROUTE_4_GROUPS))
			return TOKEN_FORGED;
		token->flow.port = (uint16_t)(words[1] >> 48);
		set_ipv4(&token->flow.ip, words[1] >> 16);
		*tag = words[1] << 48 | words[2] >> 16;
		if ((words[2] & 0xffff) != 0 || words[3] != 0)
			return TOKEN_FORGED;
	} else if (kind == KIND_ROUTE_6 && user.len == 2 + 8 * ROUTE_6_GROUPS) {
		if (!get_groups(user.ptr + 2, words, ROUTE_6_GROUPS))
			return TOKEN_FORGED;
		set_ipv6(&token->flow.ip, words[1], words[2]);
		token->flow.port = (uint16_t)(words[3] >> 48);
		*tag = words[3] << 16 | words[4] >> 48;
		if (words[4] << 16 != 0)
			return TOKEN_FORGED;
	} else {
		return TOKEN_ABSENT;
	}
	token->backend_id = (uint32_t)(words[0] >> 32);
	token->client_listener_id = (uint16_t)(words[0] >> 16);
	token->backend_listener_id = (uint16_t)words[0];
	*key = find_key(snap, user.ptr[1]);
	return *key != NULL ? TOKEN_OK : TOKEN_UNKNOWN_KEY;
}

enum token_error route_token_verify(const struct snapshot *snap, struct strv user,
	uint64_t call_digest, struct route_token *token)
{
	const struct snapshot_key *key;
	uint64_t tag;
	enum token_error error = route_token_open(snap, user, token, &key, &tag);

	if (error == TOKEN_OK && (tag ^ route_tag(key, token, call_digest)) != 0)
		error = TOKEN_FORGED;
	return error;
}

enum token_error route_token_check(const struct snapshot *snap, struct strv user,
	uint64_t call_digest, struct route_token *token, struct token_check *check,
	struct hash_jobs *jobs)
{
	const struct snapshot_key *key;
	enum token_error error = route_token_open(snap, user, token, &key, &check->says);

	if (error == TOKEN_OK)
		route_tag_job(jobs, key, token, call_digest, &check->computed);
	return error;
}

static uint64_t path_tag(const struct snapshot_key *key, const struct path_token *token)
{
	struct siphash s;
	size_t before = tag_begin(&s, key, KIND_PATH_4, &token->flow, token->listener_id);

	return siphash_end(&s, NULL, 0, before, 2, 4);
}

unsigned int path_token_format(
	const struct snapshot_key *key, const struct path_token *token, char out[TOKEN_TEXT_MAX])
{
	uint64_t tag = path_tag(key, token);
	uint64_t first = (uint64_t)token->listener_id << 48 | (uint64_t)token->flow.port << 32;
	uint64_t words[WORDS_MAX] = {0};

	out[1] = key->id;
	if (token->flow.ip.family == 6) {
		uint64_t high = load_be(token->flow.ip.octets);
		uint64_t low = load_be(token->flow.ip.octets + 8);

		words[0] = first | high >> 32;
		words[1] = high << 32 | low >> 32;
		words[2] = low << 32 | tag >> 32;
		words[3] = tag << 32;
		out[0] = KIND_PATH_6;
		put_groups(out + 2, words, PATH_6_GROUPS);
		return 2 + 8 * PATH_6_GROUPS;
	}
	words[0] = first | ipv4_bits(&token->flow.ip);
	words[1] = tag;
	out[0] = KIND_PATH_4;
	put_groups(out + 2, words, PATH_4_GROUPS);
	return 2 + 8 * PATH_4_GROUPS;
}

enum token_error path_token_verify(
	const struct snapshot *snap, struct strv user, struct path_token *token)
{
	const struct snapshot_key *key;
	uint64_t words[WORDS_MAX] = {0}, tag;
	unsigned char kind;

	if (user.len != 2 + 8 * PATH_4_GROUPS && user.len != 2 + 8 * PATH_6_GROUPS)
		return TOKEN_ABSENT;
	kind = strv_lower(user.ptr[0]);
	if (kind == KIND_PATH_4 && user.len == 2 + 8 * PATH_4_GROUPS) {
		if (!get_groups(user.ptr + 2, words, PATH_4_GROUPS) || words[2] != 0)
			return TOKEN_FORGED;
		set_ipv4(&token->flow.ip, words[0]);
		tag = words[1];
	} else if (kind == KIND_PATH_6 && user.len == 2 + 8 * PATH_6_GROUPS) {
		if (!get_groups(user.ptr + 2, words, PATH_6_GROUPS) || words[3] << 32 != 0)
			return TOKEN_FORGED;
		set_ipv6(&token->flow.ip, words[0] << 32 | words[1] >> 32,
			words[1] << 32 | words[2] >> 32);
		tag = words[2] << 32 | words[3] >> 32;
	} else {
		return TOKEN_ABSENT;
	}
	token->listener_id = (uint16_t)(words[0] >> 48);
	token->flow.port = (uint16_t)(words[0] >> 32);
	key = find_key(snap, user.ptr[1]);
	if (key == NULL)
		return TOKEN_UNKNOWN_KEY;
	return (tag ^ path_tag(key, token)) == 0 ? TOKEN_OK : TOKEN_FORGED;
}

static uint64_t probe_tag(const struct snapshot_key *key, uint64_t probe_id)
{
	struct siphash s = siphash_begin(key->key);

	siphash_word(&s, probe_id, 2);
	siphash_word(&s, (uint64_t)KIND_PROBE << 56, 2);
	return siphash_end(&s, NULL, 0, 16, 2, 4);
}

unsigned int probe_token_format(
	const struct snapshot_key *key, uint64_t probe_id, char out[TOKEN_TEXT_MAX])
{
	uint64_t words[WORDS_MAX] = {probe_id, probe_tag(key, probe_id)};

	memcpy(out, COOKIE, COOKIE_LEN);
	out[COOKIE_LEN] = KIND_PROBE;
	out[COOKIE_LEN + 1] = key->id;
	put_groups(out + COOKIE_LEN + 2, words, PROBE_GROUPS);
	return COOKIE_LEN + 2 + 8 * PROBE_GROUPS;
}

enum token_error probe_token_verify(
	const struct snapshot *snap, struct strv branch, uint64_t *probe_id)
{
	const struct snapshot_key *key;
	uint64_t words[WORDS_MAX] = {0};

	if (branch.len != COOKIE_LEN + 2 + 8 * PROBE_GROUPS || !has_cookie(branch) ||
		strv_lower(branch.ptr[COOKIE_LEN]) != KIND_PROBE)
		return TOKEN_ABSENT;
	if (!get_groups(branch.ptr + COOKIE_LEN + 2, words, PROBE_GROUPS) || words[2] != 0)
		return TOKEN_FORGED;
	key = find_key(snap, branch.ptr[COOKIE_LEN + 1]);
	if (key == NULL)
		return TOKEN_UNKNOWN_KEY;
	*probe_id = words[0];
	return (words[1] ^ probe_tag(key, words[0])) == 0 ? TOKEN_OK : TOKEN_FORGED;
}
