// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_ADDR_H
#define DISPATCH_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "parser/strv.h"

// An IP address: comparable with memcmp, because unused octets are zero.
struct ip_addr {
	uint8_t family; // 4 or 6; 0: none
	uint8_t octets[16]; // network order; IPv4 in the first four
};

// An IP address and a UDP port. Comparable with endpoint_eq(), never with memcmp (padding).
struct endpoint {
	struct ip_addr ip;
	uint16_t port; // host byte order
};

static inline bool ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, 16) == 0;
}

static inline bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_addr_eq(&a->ip, &b->ip);
}

// True for an address that a packet may be sent to as unicast: not unspecified, not loopback, not
// multicast, not 255.255.255.255.
bool ip_addr_is_unicast_ipv6(const uint8_t octets[16]);
static inline bool ip_addr_is_unicast(const struct ip_addr *ip)
{
	const uint8_t *o = ip->octets;

	if (ip->family == 4)
		// 0/8, 127/8, and from 224 on multicast, reserved and broadcast.
		return o[0] != 0 && o[0] != 127 && (o[0] < 224 || (o[0] >= 240 && o[0] != 255));
	return ip->family == 6 && ip_addr_is_unicast_ipv6(o);
}

// Parse an IP literal; an IPv6 one with or without brackets (RFC 5118 section 4.5 tolerated).
// Return 0 or -EBADMSG.
int ip_addr_parse(struct strv text, struct ip_addr *ip);

#define IP_ADDR_TEXT_MAX 48 // with brackets and NUL
#define ENDPOINT_TEXT_MAX 56

// Write without brackets, NUL-terminated; returns the length.
unsigned int ip_addr_format(const struct ip_addr *ip, char out[IP_ADDR_TEXT_MAX]);
// Write "192.0.2.1:5060" or "[2001:db8::1]:5060", NUL-terminated; returns the length.
unsigned int endpoint_format(const struct endpoint *ep, char out[ENDPOINT_TEXT_MAX]);

#endif
