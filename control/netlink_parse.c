// SPDX-License-Identifier: BSD-3-Clause
#include "control/netlink_parse.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define NUD_KNOWN (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

static int take_ip(struct ip_addr *ip, unsigned char family, const void *octets, size_t len)
{
	*ip = (struct ip_addr){0};
	if ((family != AF_INET || len != 4) && (family != AF_INET6 || len != 16))
		return -ENOENT;
	ip->family = family == AF_INET ? 4 : 6;
	memcpy(ip->octets, octets, len);
	return 0;
}

static int take_ip_attr(struct ip_addr *ip, unsigned char family, const struct nlattr *attr)
{
	return take_ip(ip, family, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

int netlink_parse_neighbour(const struct nlmsghdr *nlh, struct kernel_neighbour *neighbour)
{
	const struct ndmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool has_mac = false;

	*neighbour = (struct kernel_neighbour){0};
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg))
		return -ENOENT;
	neighbour->ifindex = (unsigned int)msg->ndm_ifindex;
	neighbour->removed = nlh->nlmsg_type == RTM_DELNEIGH;
	mnl_attr_for_each(attr, nlh, sizeof(*msg))
	{
		if (mnl_attr_get_type(attr) == NDA_DST) {
			if (take_ip_attr(&neighbour->ip, msg->ndm_family, attr) < 0)
				return -ENOENT;
		} else if (mnl_attr_get_type(attr) == NDA_LLADDR &&
			mnl_attr_get_payload_len(attr) == sizeof(neighbour->mac)) {
			memcpy(neighbour->mac, mnl_attr_get_payload(attr), sizeof(neighbour->mac));
			has_mac = true;
		}
	}
	if (!ip_addr_is_unicast(&neighbour->ip))
		return -ENOENT;
	if (neighbour->removed)
		return 0;
	neighbour->valid = has_mac && (msg->ndm_state & NUD_KNOWN) != 0;
	// Being asked for is no news.
	return neighbour->valid || (msg->ndm_state & NUD_FAILED) != 0 ? 0 : -ENOENT;
}

static void take_hop(struct kernel_route *route, unsigned char family, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			route->ifindex = mnl_attr_get_u32(attr);
		break;
	case RTA_GATEWAY:
		take_ip_attr(&route->gateway, family, attr);
		break;
	case RTA_VIA: {
		// An IPv6 next hop of an IPv4 route (RFC 8950).
		const struct rtvia *via = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);

		if (len > sizeof(*via))
			take_ip(&route->gateway, (unsigned char)via->rtvia_family, via->rtvia_addr,
				len - sizeof(*via));
		break;
	}
	default:
		break;
	}
}

// The next hops behind the first.
static void take_other_hops(struct kernel_route *route, const char *p, size_t len)
{
	struct rtnexthop hop;
	unsigned int nb = 0;

	while (len >= sizeof(hop) && nb < KERNEL_ROUTE_ALSO_MAX) {
		memcpy(&hop, p, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > len)
			return;
		route->also[nb++] = (unsigned int)hop.rtnh_ifindex;
		if ((size_t)MNL_ALIGN(hop.rtnh_len) >= len)
			return;
		p += MNL_ALIGN(hop.rtnh_len);
		len -= MNL_ALIGN(hop.rtnh_len);
	}
}

static void take_multipath(
	struct kernel_route *route, unsigned char family, const struct nlattr *attr)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	const struct nlattr *inner;
	size_t left;

	if (len < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > len)
		return;
	if ((size_t)MNL_ALIGN(hop->rtnh_len) < len)
		take_other_hops(route, (const char *)hop + MNL_ALIGN(hop->rtnh_len),
			len - MNL_ALIGN(hop->rtnh_len));
	route->ifindex = (unsigned int)hop->rtnh_ifindex;
	inner = (const struct nlattr *)(hop + 1);
	left = hop->rtnh_len - sizeof(*hop);
	while (mnl_attr_ok(inner, (int)left)) {
		take_hop(route, family, inner);
		if ((size_t)MNL_ALIGN(inner->nla_len) >= left)
			break;
		left -= MNL_ALIGN(inner->nla_len);
		inner = mnl_attr_next(inner);
	}
}

int netlink_parse_route(const struct nlmsghdr *nlh, struct kernel_route *route)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	uint32_t table;

	*route = (struct kernel_route){0};
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) || msg->rtm_type != RTN_UNICAST)
		return -ENOENT;
	if (msg->rtm_family != AF_INET && msg->rtm_family != AF_INET6)
		return -ENOENT;
	table = msg->rtm_table;
	route->prefix.family = msg->rtm_family == AF_INET ? 4 : 6;
	route->prefix_len = msg->rtm_dst_len;
	mnl_attr_for_each(attr, nlh, sizeof(*msg))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			if (take_ip_attr(&route->prefix, msg->rtm_family, attr) < 0)
				return -ENOENT;
			break;
		case RTA_TABLE:
			if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
				table = mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
				route->metric = mnl_attr_get_u32(attr);
			break;
		case RTA_MULTIPATH:
			take_multipath(route, msg->rtm_family, attr);
			break;
		default:
			take_hop(route, msg->rtm_family, attr);
			break;
		}
	}
	if (table != RT_TABLE_MAIN || route->ifindex == 0 ||
		route->prefix_len > (route->prefix.family == 4 ? 32 : 128))
		return -ENOENT;
	// Link-local destinations mean something on one link only.
	if (route->prefix.family == 6 && route->prefix.octets[0] == 0xfe &&
		(route->prefix.octets[1] & 0xc0) == 0x80)
		return -ENOENT;
	return 0;
}
