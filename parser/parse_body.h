// SPDX-License-Identifier: BSD-3-Clause
// The body of sip_parse(), compiled once per instruction set: a kernel source defines the
// primitives named k_*, KERNEL and KERNEL_NAME, and includes this. Every verdict is taken here or
// in the exact functions, so kernels can differ in nothing but speed.
//
// What a kernel provides, p pointing into the message or its padding:
//   k_eq64(p, c)         bit i: p[i] == c, for 64 octets
//   k_control64(p)       bit i: p[i] < 0x20
//   k_space64(p)         bit i: p[i] <= 0x20
//   k_uri_stop64(p)      bit i: p[i] may not stand in a URI, or is '?'
//   k_address_stop64(p)  bit i: p[i] delimits in a From or To, or may not stand unquoted there
//   k_nonhost64(p)       bit i: p[i] may not stand in a host name
//   k_token_len(p)       how many octets of token p begins with, up to 32
//   k_name_len(p)        how many octets p has up to the first colon, itself included; 32 or more
//   if
//                        it is not among the first 31
//   k_is_name(p, name, n)  the n octets at p in lower case are those of a name's slot, n up to 32
//   k_first(w)           the lowest bit of w; 63 or 64 if it has none
//   k_low_bits(w, n)     bits 0 to n - 1 of w; any word for n from 256 on
//   struct k_count, k_count_add(count, p), k_count_sum(count)
//                        counts octets < 0x20; one count takes up to INDEX_BLOCKS_MAX blocks;
//                        a kernel with a hot_index() of its own, KERNEL_HOT_INDEX, needs none
//   KERNEL_SEES_CR       1: its hot index takes no LF without a CR
#include "parser/parse_words.h"

// 0 compiles a kernel that takes no fast path at all: what the others are compared with in tests.
#ifndef KERNEL_FAST
#define KERNEL_FAST 1
#endif
#ifndef KERNEL_SEES_CR
#define KERNEL_SEES_CR 0
#endif

#include "parser/parse_start.h"

#include "parser/parse_index.h"

#include "parser/parse_via.h"

#include "parser/parse_fields.h"

#if KERNEL_FAST
#include "parser/parse_parts.h"
#endif

// Leading CRLFs are no part of the message (RFC 3261 7.5).
static COLD enum sip_reason skip_leading(struct sip_msg *msg, const char *buf, size_t len)
{
	size_t n = 0, blank;

	while (n + 64 <= len && k_space64(buf + n) == ~0ULL &&
		(k_eq64(buf + n, '\r') | k_eq64(buf + n, '\n')) == ~0ULL)
		n += 64;
	while (n < len && (buf[n] == '\r' || buf[n] == '\n'))
		n++;
	msg->buf = buf + n;
	msg->skipped = (uint16_t)n;
	for (blank = n; blank < len && char_is(buf[blank], CH_LWS);)
		blank++;
	if (blank == len)
		return sip_reject(msg, (struct sip_fault){SIP_EMPTY, 0}, false);
	if (n > UINT16_MAX)
		return sip_reject(msg, (struct sip_fault){SIP_HEADERS_TOO_LONG, 0}, false);
	return SIP_OK;
}

// Max-Forwards, Route, Content-Length.
INLINE bool parse_optional(
	struct sip_msg *restrict msg, const char *buf, uint32_t present, struct sip_fault *fault)
{
	const uint8_t *first = msg->hdr_first;
	uint32_t number;

	msg->max_forwards = -1;
	if (present & BIT(SIP_HDR_MAX_FORWARDS)) {
		unsigned int i = first[SIP_HDR_MAX_FORWARDS];

		if (likely(KERNEL_FAST && fast_number(msg, buf, i, &number) &&
			    number <= UINT8_MAX)) {
			msg->max_forwards = (int16_t)number;
			msg->max_forwards_value = slice_at(msg->hdr_value[i], value_len(msg, i));
		} else if (!sip_field_max_forwards(msg, i, fault)) {
			return false;
		}
	}
	msg->route = slice_at(0, 0);
	if (present & BIT(SIP_HDR_ROUTE) &&
		!(KERNEL_FAST && fast_route(msg, buf, first[SIP_HDR_ROUTE])) &&
		!sip_field_route(msg, first[SIP_HDR_ROUTE], fault))
		return false;
	msg->has_content_length = present >> SIP_HDR_CONTENT_LENGTH & 1;
	if (msg->has_content_length) {
		unsigned int i = first[SIP_HDR_CONTENT_LENGTH];

		if (likely(KERNEL_FAST && fast_number(msg, buf, i, &number)))
			msg->content_length = number;
		else if (!sip_field_content_length(msg, i, fault))
			return false;
	}
	return true;
}

INLINE bool parse_tag(struct sip_msg *msg, const char *buf, unsigned int i, bool always,
	struct sip_slice *tag, struct sip_fault *fault)
{
	return (KERNEL_FAST &&
		       (likely(fast_tag(msg, buf, i, always, tag)) ||
			       fast_tag_long(msg, buf, i, tag))) ||
		sip_field_tag(msg, i, tag, fault);
}

// The header field of the top Via, and where its value begins. Nearly always it is the first, "Via:
// ": there is a jump on whether it is, so that what comes next waits for no look at header fields.
INLINE unsigned int top_via(const struct sip_msg *msg, size_t *value)
{
	unsigned int via = msg->hdr_first[SIP_HDR_VIA];
	size_t guess = msg->hdr_line[0] + 5u;

	*value = msg->hdr_value[via];
	if (likely(*value == guess)) {
		via = 0;
		OPAQUE(via);
		OPAQUE(guess);
		*value = guess;
	}
	return via;
}

INLINE bool parse_fields(struct sip_msg *restrict msg, const char *buf, const struct seen *seen,
	struct sip_fault *fault)
{
	const uint8_t *first = msg->hdr_first;
	unsigned int via;
	size_t value;

	if (unlikely((seen->present & SIP_MANDATORY) != SIP_MANDATORY ||
		    (seen->single & SIP_SINGLE_TWICE) != 0)) {
		sip_fault_presence(msg, fault);
		return false;
	}
	via = top_via(msg, &value);
	if (!(KERNEL_FAST &&
		    fast_via(buf, buf + value, buf + msg->hdr_line[via + 1] - 2, &msg->via)) &&
		!sip_field_via(msg, via, fault))
		return false;
	if (!parse_tag(msg, buf, first[SIP_HDR_FROM], true, &msg->from_tag, fault))
		return false;
	if (!parse_tag(msg, buf, first[SIP_HDR_TO], false, &msg->to_tag, fault))
		return false;
	if (!(KERNEL_FAST && fast_call_id(msg, buf, first[SIP_HDR_CALL_ID])) &&
		!sip_field_call_id(msg, first[SIP_HDR_CALL_ID], fault))
		return false;
	if (!(KERNEL_FAST && fast_cseq(msg, buf, first[SIP_HDR_CSEQ])) &&
		!sip_field_cseq(msg, first[SIP_HDR_CSEQ], fault))
		return false;
	return parse_optional(msg, buf, seen->present, fault);
}

// The start line and where lines begin, of a message in which nothing is unusual.
INLINE bool index_usual(struct sip_msg *restrict msg, const char *buf, size_t len)
{
	int nb;

	msg->buf = buf;
	msg->skipped = 0;
	if (unlikely(!start_fast(msg, buf, len)))
		return false;
	nb = hot_index(msg, buf, len);
	if (unlikely(nb <= 0))
		return false;
	msg->nb_hdrs = (uint8_t)nb;
	return true;
}

// What follows from the index alone.
INLINE void indexed(struct sip_msg *restrict msg, size_t len, const struct seen *seen)
{
	msg->start_end = msg->hdr_line[0];
	msg->present = seen->present & ~(BIT(SIP_HDR_OTHER) | BIT(SIP_HDR_UNSEEN));
	msg->len = (uint32_t)len;
	msg->body_len = (uint32_t)len - msg->header_len;
}

// The same of any message. Returns why it is refused, or SIP_OK.
static COLD enum sip_reason parse_unusual(
	struct sip_msg *msg, const char *buf, size_t len, struct seen *seen)
{
	struct sip_fault start = {SIP_OK, 0}, fault = {SIP_OK, 0};
	uint32_t end;
	int nb;

	msg->buf = buf;
	msg->skipped = 0;
	if (len == 0 || (unsigned char)buf[0] <= ' ') {
		enum sip_reason reason = skip_leading(msg, buf, len);

		if (reason != SIP_OK)
			return reason;
		buf += msg->skipped;
		len -= msg->skipped;
	}
	(void)sip_start_line(msg, buf, len, &start, &end);
	if (end == 0)
		return sip_reject(msg, start, false);
	nb = KERNEL_FAST ? hot_index(msg, buf, len) : -1;
	if (nb >= 0)
		msg->nb_hdrs = (uint8_t)nb;
	if (nb < 0 || !classify_any(msg, buf, false, seen, &fault)) {
		nb = careful_index(msg, buf, len, &fault);
		if (nb < 0)
			return sip_reject(msg, start.reason ? start : fault, false);
		msg->nb_hdrs = (uint8_t)nb;
		(void)classify_any(msg, buf, true, seen, &fault);
	}
	indexed(msg, len, seen);
	if (start.reason || fault.reason)
		return sip_reject(msg, start.reason ? start : fault, true);
	return SIP_OK;
}

// What the lines say, and where the message ends.
INLINE enum sip_reason parse_values(
	struct sip_msg *restrict msg, const char *buf, size_t len, const struct seen *seen)
{
	struct sip_fault fault;

	indexed(msg, len, seen);
	if (unlikely(!parse_fields(msg, buf, seen, &fault)))
		return sip_reject(msg, fault, true);
	if (msg->has_content_length) {
		if (unlikely(msg->content_length > msg->body_len)) {
			fault = (struct sip_fault){SIP_BODY_TOO_SHORT, (uint32_t)len};
			return sip_reject(msg, fault, true);
		}
		msg->body_len = msg->content_length;
		msg->len = msg->header_len + msg->content_length;
	}
	return SIP_OK;
}

// Messages in which something is unusual, which parse() leaves to this.
static __attribute__((noinline)) enum sip_reason parse_any(
	struct sip_msg *msg, const char *buf, size_t len)
{
	struct seen seen;
	enum sip_reason reason = parse_unusual(msg, buf, len, &seen);

	if (reason != SIP_OK)
		return reason;
	return parse_values(msg, buf + msg->skipped, len - msg->skipped, &seen);
}

static enum sip_reason parse(struct sip_msg *msg, const char *buf, size_t len)
{
	struct seen seen;

	// One after the other, not one function that says yes or no: the compiler loses its way in
	// that and makes all that follows as if it was rare.
	if (unlikely(!KERNEL_FAST || !index_usual(msg, buf, len)))
		return parse_any(msg, buf, len);
	if (unlikely(!classify_usual(msg, buf, &seen)))
		return parse_any(msg, buf, len);
	if (unlikely(seen.present & BIT(SIP_HDR_UNSEEN)) && !unseen_are_names(msg, buf))
		return parse_any(msg, buf, len);
	return parse_values(msg, buf, len, &seen);
}

#if KERNEL_FAST
const struct sip_kernel KERNEL = {
	KERNEL_NAME, parse, fast_comma, fast_name_addr, fast_uri, fast_via_value};
#else
const struct sip_kernel KERNEL = {.name = KERNEL_NAME, .parse = parse};
#endif
