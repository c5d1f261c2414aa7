// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

bool sip_control_ok(const char *buf, uint32_t at)
{
	uint32_t backslashes = 0;

	if (buf[at] == '\t')
		return true;
	// quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F): never CR or LF, so it hides no line end.
	if (buf[at] == '\r' || buf[at] == '\n')
		return false;
	while (backslashes < at && buf[at - 1 - backslashes] == '\\')
		backslashes++;
	return backslashes & 1;
}

bool sip_name_slow(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct sip_slice line = slice(msg->hdr_line[i], msg->hdr_line[i + 1]);
	struct cursor c = cursor_init(msg, line);
	struct sip_slice name = cursor_some(&c, CH_TOKEN);

	// HCOLON = *( SP / HTAB ) ":" SWS
	while (cursor_peek(&c) == ' ' || cursor_peek(&c) == '\t')
		c.pos++;
	if (cursor_peek(&c) != ':') {
		*fault = (struct sip_fault){SIP_BAD_HEADER_NAME, c.pos};
		msg->hdr_id[i] = SIP_HDR_OTHER;
		msg->hdr_value[i] = line.off;
		return false;
	}
	c.pos++;
	cursor_lws(&c);
	// The line's own CRLF is white space too; an empty value ends before it.
	if (c.pos == c.end)
		c.pos = c.end - 2;
	msg->hdr_id[i] = (uint8_t)sip_hdr_find(sip_strv(msg, name));
	msg->hdr_value[i] = (uint16_t)c.pos;
	return true;
}

bool sip_field_call_id(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));

	// callid = word [ "@" word ], but it is compared as a whole and never taken apart, so any
	// octet that all readers take for part of it will do; white space and controls will not.
	msg->call_id = slice(c.pos, c.end);
	while (c.pos < c.end && (unsigned char)c.buf[c.pos] > ' ')
		c.pos++;
	*fault = (struct sip_fault){SIP_BAD_CALL_ID, c.pos};
	return c.pos == c.end && msg->call_id.len > 0;
}

// CSeq = 1*DIGIT LWS Method, the number below 2^31 (RFC 3261 8.1.1.5)
bool sip_field_cseq(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));
	struct cursor number = c;

	(void)cursor_some(&c, CH_DIGIT);
	(void)cursor_some(&c, CH_LWS);
	msg->cseq_method = cursor_some(&c, CH_TOKEN);
	if (c.failed || c.pos != c.end) {
		msg->cseq_method = slice(0, 0);
		*fault = (struct sip_fault){SIP_BAD_CSEQ, c.pos};
		return false;
	}
	msg->cseq = cursor_number(&number, INT32_MAX);
	if (number.failed) {
		*fault = (struct sip_fault){SIP_BAD_CSEQ, number.pos};
		return false;
	}
	if (msg->kind == SIP_RESPONSE) {
		msg->method_name = msg->cseq_method;
		msg->method = (uint8_t)sip_method_find(sip_strv(msg, msg->cseq_method));
		return true;
	}
	*fault = (struct sip_fault){SIP_CSEQ_MISMATCH, msg->cseq_method.off};
	return strv_eq(sip_strv(msg, msg->cseq_method), sip_strv(msg, msg->method_name));
}

bool sip_field_max_forwards(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));

	msg->max_forwards_value = slice(c.pos, c.end);
	msg->max_forwards = (int16_t)cursor_number(&c, UINT8_MAX);
	*fault = (struct sip_fault){SIP_BAD_MAX_FORWARDS, c.pos};
	return !c.failed && c.pos == c.end;
}

bool sip_field_content_length(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));

	msg->content_length = cursor_number(&c, UINT32_MAX);
	msg->has_content_length = true;
	*fault = (struct sip_fault){SIP_BAD_CONTENT_LENGTH, c.pos};
	return !c.failed && c.pos == c.end;
}

void sip_fault_presence(const struct sip_msg *msg, struct sip_fault *fault)
{
	static const struct {
		uint8_t id, reason;
	} mandatory[] = {
		{SIP_HDR_VIA, SIP_NO_VIA},
		{SIP_HDR_FROM, SIP_NO_FROM},
		{SIP_HDR_TO, SIP_NO_TO},
		{SIP_HDR_CALL_ID, SIP_NO_CALL_ID},
		{SIP_HDR_CSEQ, SIP_NO_CSEQ},
	};
	uint32_t seen = 0;

	for (unsigned int i = 0; i < msg->nb_hdrs; i++) {
		uint32_t bit = BIT(msg->hdr_id[i]);

		if (bit & seen & SIP_SINGLE) {
			*fault = (struct sip_fault){SIP_DUPLICATE_HEADER, msg->hdr_line[i]};
			return;
		}
		seen |= bit;
	}
	for (unsigned int i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
		if (seen & BIT(mandatory[i].id))
			continue;
		*fault = (struct sip_fault){
			(enum sip_reason)mandatory[i].reason, msg->hdr_line[msg->nb_hdrs]};
		return;
	}
}

// Whether the header fields that a response must carry (RFC 3261 8.2.6.2) can be copied. A CSeq
// number out of range can be, and what is doubled is taken from its first.
static bool can_reply(struct sip_msg *msg)
{
	struct sip_fault unused;

	if (msg->kind != SIP_REQUEST || msg->method_name.len == 0 ||
		(msg->present & SIP_MANDATORY) != SIP_MANDATORY)
		return false;
	msg->cseq_method = slice(0, 0);
	(void)sip_field_cseq(msg, (unsigned int)sip_find_hdr(msg, SIP_HDR_CSEQ), &unused);
	return msg->cseq_method.len > 0 &&
		sip_field_via(msg, (unsigned int)sip_find_hdr(msg, SIP_HDR_VIA), &unused) &&
		sip_field_tag(msg, (unsigned int)sip_find_hdr(msg, SIP_HDR_FROM), &msg->from_tag,
			&unused) &&
		sip_field_tag(
			msg, (unsigned int)sip_find_hdr(msg, SIP_HDR_TO), &msg->to_tag, &unused) &&
		sip_field_call_id(msg, (unsigned int)sip_find_hdr(msg, SIP_HDR_CALL_ID), &unused);
}

enum sip_reason sip_reject(struct sip_msg *msg, struct sip_fault fault, bool indexed)
{
	msg->error_off = msg->skipped + fault.off;
	msg->can_reply = indexed && can_reply(msg);
	return fault.reason;
}
