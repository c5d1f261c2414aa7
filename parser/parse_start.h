// SPDX-License-Identifier: BSD-3-Clause
// The start line at a glance. Included by parse_body.h, once per kernel.

#define START_MIN 48 // a longest method, "sip:", a window of 64 octets and a version begin before

// A request line of the usual form: a known method, a SIP or SIPS URI of less than 64 octets.
// False: the exact reading decides.
INLINE bool start_request(struct sip_msg *restrict msg, const char *buf)
{
	const struct sip_method_slot *m = &sip_methods[sip_method_slot(load32(buf))];
	unsigned int n = m->len;
	const char *uri = buf + n + 1, *uri_end;
	uint32_t scheme = load32(uri) | WORD4(' ', ' ', ' ', 0);

	if (unlikely((load64(buf) & m->mask) != load64(m->name) || load16(uri - 2) != m->tail))
		return false;
	uri_end = uri + k_first(k_uri_stop64(uri));
	// The index misses the line end when it is behind the message.
	if (unlikely((load64(uri_end) | WORD8(0, ' ', ' ', ' ', 0, 0, 0, 0)) !=
			    WORD8(' ', 's', 'i', 'p', '/', '2', '.', '0') ||
		    load16(uri_end + 8) != WORD2('\r', '\n')))
		return false;
	if (unlikely(scheme != WORD4('s', 'i', 'p', ':') &&
		    (scheme != WORD4('s', 'i', 'p', 's') || uri[4] != ':')))
		return false;
	// Nothing after the colon: not worth a fast path.
	if (unlikely(uri_end - uri < 6))
		return false;
	msg->kind = SIP_REQUEST;
	msg->status = 0;
	msg->method = m->method;
	msg->method_name = slice_at(0, n);
	msg->request_uri = slice_of(buf, uri, uri_end);
	return true;
}

INLINE bool start_fast(struct sip_msg *restrict msg, const char *buf, size_t len)
{
	uint32_t a, b, c;

	// No message is that short; for the rest it keeps every look ahead inside the padding.
	if (unlikely(len < START_MIN))
		return false;
	if ((load64(buf) | WORD8(' ', ' ', ' ', 0, 0, 0, 0, 0)) !=
		WORD8('s', 'i', 'p', '/', '2', '.', '0', ' '))
		return start_request(msg, buf);
	a = (unsigned char)buf[8] - '0';
	b = (unsigned char)buf[9] - '0';
	c = (unsigned char)buf[10] - '0';
	if (unlikely(a - 1 > 5 || b > 9 || c > 9 || buf[11] != ' '))
		return false;
	msg->kind = SIP_RESPONSE;
	msg->status = (uint16_t)(a * 100 + b * 10 + c);
	msg->request_uri = slice_at(0, 0);
	return true;
}
