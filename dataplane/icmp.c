// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/icmp.h"

#include <errno.h>
#include <netinet/in.h>

#define ICMP_HEADER_LEN 8
#define ICMP4_UNREACHABLE 3
#define ICMP4_FRAG_NEEDED 4 // a code of it
#define ICMP6_UNREACHABLE 1
#define ICMP6_TOO_BIG 2
#define IPV4_HEADER_MIN 20
#define IPV6_HEADER_LEN 40
#define UDP_PORTS_LEN 4 // what RFC 792 promises to quote of the UDP header is more than that

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

// The quoted packet of an IPv4 error. Only a first fragment has ports.
static int read_quoted4(const uint8_t *ip, size_t len, struct icmp_error *error)
{
	size_t ihl;

	if (len < IPV4_HEADER_MIN)
		return -EBADMSG;
	ihl = (size_t)(ip[0] & 15) * 4;
	if (ip[0] >> 4 != 4 || ihl < IPV4_HEADER_MIN || len < ihl + UDP_PORTS_LEN)
		return -EBADMSG;
	if (ip[9] != IPPROTO_UDP || (get16(ip + 6) & 0x1fff) != 0)
		return -ENOENT;
	error->sent_from.ip.family = error->sent_to.ip.family = 4;
	memcpy(error->sent_from.ip.octets, ip + 12, 4);
	memcpy(error->sent_to.ip.octets, ip + 16, 4);
	error->sent_from.port = get16(ip + ihl);
	error->sent_to.port = get16(ip + ihl + 2);
	return 0;
}

static int read_quoted6(const uint8_t *ip, size_t len, struct icmp_error *error)
{
	const uint8_t *l4 = ip + IPV6_HEADER_LEN;
	uint8_t next;

	if (len < IPV6_HEADER_LEN + UDP_PORTS_LEN || ip[0] >> 4 != 6)
		return -EBADMSG;
	next = ip[6];
	if (next == IPPROTO_FRAGMENT) {
		if (len < IPV6_HEADER_LEN + 8 + UDP_PORTS_LEN)
			return -EBADMSG;
		if ((get16(l4 + 2) & 0xfff8) != 0)
			return -ENOENT;
		next = l4[0];
		l4 += 8;
	}
	if (next != IPPROTO_UDP)
		return -ENOENT;
	error->sent_from.ip.family = error->sent_to.ip.family = 6;
	memcpy(error->sent_from.ip.octets, ip + 8, 16);
	memcpy(error->sent_to.ip.octets, ip + 24, 16);
	error->sent_from.port = get16(l4);
	error->sent_to.port = get16(l4 + 2);
	return 0;
}

int icmp_error_read(const void *data, size_t len, uint8_t family, struct icmp_error *error)
{
	const uint8_t *icmp = data;

	*error = (struct icmp_error){0};
	if (len < ICMP_HEADER_LEN)
		return -EBADMSG;
	error->type = icmp[0];
	error->code = icmp[1];
	if (family == 4) {
		if (error->type != ICMP4_UNREACHABLE)
			return -ENOENT;
		if (error->code == ICMP4_FRAG_NEEDED) {
			error->kind = ICMP_ERROR_TOO_BIG;
			error->mtu = get16(icmp + 6);
		}
		return read_quoted4(icmp + ICMP_HEADER_LEN, len - ICMP_HEADER_LEN, error);
	}
	if (error->type == ICMP6_TOO_BIG) {
		error->kind = ICMP_ERROR_TOO_BIG;
		error->mtu = (uint32_t)get16(icmp + 4) << 16 | get16(icmp + 6);
	} else if (error->type != ICMP6_UNREACHABLE) {
		return -ENOENT;
	}
	return read_quoted6(icmp + ICMP_HEADER_LEN, len - ICMP_HEADER_LEN, error);
}
