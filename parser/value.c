// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

int sip_find_hdr(const struct sip_msg *msg, enum sip_hdr id)
{
	if (!sip_has(msg, id))
		return -1;
	return msg->hdr_first[id];
}

struct sip_slice sip_hdr_value(const struct sip_msg *msg, unsigned int i)
{
	uint32_t start = msg->hdr_value[i], end = msg->hdr_line[i + 1];

	while (end > start && char_is(msg->buf[end - 1], CH_LWS))
		end--;
	return slice(start, end);
}

struct sip_slice sip_hdr_name(const struct sip_msg *msg, unsigned int i)
{
	uint32_t start = msg->hdr_line[i], end = start;

	while (end < msg->hdr_line[i + 1] && char_is(msg->buf[end], CH_TOKEN))
		end++;
	return slice(start, end);
}

// The next ',' outside quotes, brackets and comments, or end. Returns false if one of those is open
// at the end.
bool sip_comma_exact(const char *buf, uint32_t *pos, uint32_t end, bool comments)
{
	bool quoted = false, bracket = false;
	unsigned int depth = 0;

	for (uint32_t p = *pos; p < end; p++) {
		char c;

		while (end - p > 4 && !char_is_any4(buf + p, CH_MARK))
			p += 4;
		c = buf[p];
		if (c == '\\' && (quoted || depth > 0)) {
			p++;
		} else if (quoted || (c == '"' && depth == 0)) {
			quoted ^= c == '"';
		} else if (depth > 0) {
			depth += (c == '(') - (c == ')');
		} else if (c == '<') {
			while (p < end && buf[p] != '>')
				p++;
			bracket = p == end;
		} else if (c == '(' && comments) {
			depth = 1;
		} else if (c == ',') {
			*pos = p;
			return true;
		}
	}
	*pos = end;
	return !quoted && !bracket && depth == 0;
}

static bool find_comma(const char *buf, uint32_t *pos, uint32_t end, bool comments)
{
	const char *comma = comments ? NULL : sip_kernel->comma(buf + *pos, buf + end);

	if (comma == NULL)
		return sip_comma_exact(buf, pos, end, comments);
	*pos = (uint32_t)(comma - buf);
	return true;
}

static bool next_field(const struct sip_msg *msg, enum sip_hdr id, struct sip_iter *it)
{
	unsigned int i = it->pos == 0 ? msg->hdr_first[id] : it->hdr + 1u;

	for (; i < msg->nb_hdrs; i++) {
		if (msg->hdr_id[i] != id)
			continue;
		it->hdr = (uint8_t)i;
		it->pos = msg->hdr_value[i];
		it->first = 1;
		return true;
	}
	return false;
}

bool sip_next_value(const struct sip_msg *msg, enum sip_hdr id, struct sip_iter *it,
	struct sip_slice *value, bool *bad)
{
	// Only header fields without addresses have comments; '(' may stand in a URI's user part.
	bool comments = id == SIP_HDR_OTHER || id == SIP_HDR_RETRY_AFTER;
	struct sip_slice field;
	uint32_t start, comma, end, field_end;

	*bad = false;
	if (!sip_has(msg, id))
		return false;
	do {
		if (it->pos == 0 || it->last) {
			if (!next_field(msg, id, it))
				return false;
		} else {
			it->first = 0;
		}
		field = sip_hdr_value(msg, it->hdr);
		field_end = (uint32_t)field.off + field.len;
		it->last = field.len == 0;
	} while (field.len == 0 && id == SIP_HDR_SUPPORTED); // the one of these that may be empty

	start = it->pos;
	while (start < field_end && char_is(msg->buf[start], CH_LWS))
		start++;
	comma = start;
	*bad = !find_comma(msg->buf, &comma, field_end, comments);
	for (end = comma; end > start && char_is(msg->buf[end - 1], CH_LWS);)
		end--;
	*bad |= start == end;
	*value = slice(start, end);
	it->last = comma == field_end;
	it->pos = (uint16_t)(comma + !it->last);
	return !*bad;
}

bool sip_param_find(const struct sip_msg *msg, struct sip_slice params, struct strv name,
	struct sip_slice *value)
{
	struct cursor c = cursor_init(msg, params);

	while (cursor_try_sep(&c, ';')) {
		// URI parameters may hold what a token may not (RFC 3261 25.1, param-unreserved).
		uint32_t start = c.pos;
		struct sip_slice found;

		while (c.pos < c.end && c.buf[c.pos] != '=' && char_is(c.buf[c.pos], CH_VALUE))
			c.pos++;
		found = slice(start, c.pos);
		*value = (struct sip_slice){0, 0};
		if (cursor_try_sep(&c, '='))
			*value = cursor_peek(&c) == '"' ? cursor_quoted(&c)
							: cursor_span(&c, CH_VALUE);
		if (strv_ieq(sip_strv(msg, found), name))
			return true;
	}
	return false;
}

int64_t sip_expires(const struct sip_msg *msg)
{
	int i = sip_find_hdr(msg, SIP_HDR_EXPIRES);
	struct cursor c;
	uint32_t seconds;

	if (i < 0)
		return -1;
	c = cursor_init(msg, sip_hdr_value(msg, (unsigned int)i));
	seconds =
		cursor_number(&c, UINT32_MAX); // delta-seconds: 2**32 - 1 at most (RFC 3261 20.19)
	return c.failed || c.pos != c.end ? -1 : (int64_t)seconds;
}
