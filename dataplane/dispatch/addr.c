// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/addr.h"

#include <errno.h>

#include "dataplane/dispatch/text.h"

bool ip_addr_is_unicast_ipv6(const uint8_t o[16])
{
	static const uint8_t zeros[16];

	if (o[0] == 0xff)
		return false;
	if (memcmp(o, zeros, 10) != 0)
		return true;
	// ::, ::1 and the IPv4-compatible and IPv4-mapped forms: none of them is on a wire.
	return o[10] != 0 || o[11] != 0 ? !(o[10] == 0xff && o[11] == 0xff) : false;
}

// "192.0.2.1" at text[*pos ..]: four numbers of up to three digits, no leading zeros (some read
// them as octal). The caller checks what follows.
static bool parse_ipv4(struct strv text, size_t *pos, uint8_t out[4])
{
	const char *p = text.ptr + *pos, *end = text.ptr + text.len;

	for (unsigned int i = 0; i < 4; i++) {
		const char *start = p;
		unsigned int value = 0;

		for (; p < end && p - start < 4; p++) {
			unsigned int digit = (unsigned char)*p - (unsigned int)'0';

			if (digit > 9)
				break;
			value = value * 10 + digit;
		}
		if (p == start || value > 255 || (*start == '0' && p - start > 1))
			return false;
		out[i] = (uint8_t)value;
		if (i == 3)
			break;
		if (p == end || *p++ != '.')
			return false;
	}
	*pos = (size_t)(p - text.ptr);
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct ipv6_parser {
	struct strv text;
	size_t pos;
	uint8_t octets[16];
	unsigned int nb; // octets written
	int gap; // octets written before "::", or -1
};

// One group of up to four hexadecimal digits, or a dotted quad at the end.
static bool parse_ipv6_group(struct ipv6_parser *p)
{
	size_t start = p->pos;
	unsigned int value = 0;

	while (p->pos < p->text.len && p->pos - start < 4) {
		int digit = hex_digit(p->text.ptr[p->pos]);

		if (digit < 0)
			break;
		value = value << 4 | (unsigned int)digit;
		p->pos++;
	}
	if (p->pos < p->text.len && p->text.ptr[p->pos] == '.') {
		p->pos = start;
		if (p->nb > 12 || !parse_ipv4(p->text, &p->pos, &p->octets[p->nb]))
			return false;
		p->nb += 4;
		return p->pos == p->text.len;
	}
	if (p->pos == start || p->nb > 14)
		return false;
	p->octets[p->nb++] = (uint8_t)(value >> 8);
	p->octets[p->nb++] = (uint8_t)value;
	return true;
}

static bool parse_ipv6(struct strv text, struct ip_addr *ip)
{
	struct ipv6_parser p = {.text = text, .gap = -1};

	if (text.len < 2)
		return false;
	if (text.ptr[0] == ':' && text.ptr[1] != ':')
		return false;
	while (p.pos < text.len) {
		if (text.ptr[p.pos] == ':') {
			p.pos++;
			if (p.pos < text.len && text.ptr[p.pos] == ':') {
				if (p.gap >= 0)
					return false;
				p.gap = (int)p.nb;
				p.pos++;
				// The ABNF of RFC 3261 allowed ":::192.0.2.1" (RFC 5118
				// section 4.10).
				if (p.pos < text.len && text.ptr[p.pos] == ':' &&
					memchr(text.ptr + p.pos, '.', text.len - p.pos) != NULL)
					p.pos++;
				if (p.pos == text.len)
					break;
			} else if (p.pos == text.len || p.nb == 0) {
				return false;
			}
		} else if (p.nb > 0) {
			return false;
		}
		if (!parse_ipv6_group(&p))
			return false;
	}
	if (p.gap < 0 ? p.nb != 16 : p.nb > 14)
		return false;

	ip->family = 6;
	memset(ip->octets, 0, 16);
	if (p.gap < 0)
		p.gap = 16;
	memcpy(ip->octets, p.octets, (size_t)p.gap);
	if (p.nb > (unsigned int)p.gap)
		memcpy(ip->octets + 16 - (p.nb - (unsigned int)p.gap), p.octets + p.gap,
			p.nb - (unsigned int)p.gap);
	return true;
}

int ip_addr_parse(struct strv text, struct ip_addr *ip)
{
	size_t pos = 0;

	if (text.len == 0)
		return -EBADMSG;
	// A host name starts with a letter or digit; only an IPv4 address has nothing but digits
	// and dots.
	if ((unsigned char)(text.ptr[0] - '0') <= 9) {
		struct ip_addr v4 = {.family = 4};

		if (parse_ipv4(text, &pos, v4.octets) && pos == text.len) {
			*ip = v4;
			return 0;
		}
	}
	if (text.ptr[0] == '[') {
		if (text.len < 2 || text.ptr[text.len - 1] != ']')
			return -EBADMSG;
		text.ptr++;
		text.len -= 2;
	}
	return parse_ipv6(text, ip) ? 0 : -EBADMSG;
}

unsigned int ip_addr_format(const struct ip_addr *ip, char out[IP_ADDR_TEXT_MAX])
{
	char *end = text_ip(out, ip);

	*end = '\0';
	return (unsigned int)(end - out);
}

unsigned int endpoint_format(const struct endpoint *ep, char out[ENDPOINT_TEXT_MAX])
{
	char *p = out;

	if (ep->ip.family == 6)
		*p++ = '[';
	p = text_ip(p, &ep->ip);
	if (ep->ip.family == 6)
		*p++ = ']';
	*p++ = ':';
	p = text_u16(p, ep->port);
	*p = '\0';
	return (unsigned int)(p - out);
}
