// SPDX-License-Identifier: BSD-3-Clause
#include "control/netlink_parse.h"

#include "tests/control/suite.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t host[] = {10, 20, 1, 11};
static const uint8_t gateway[] = {10, 20, 1, 1};
static const uint8_t host6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x11};
static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t mac[] = {2, 0, 0, 0, 0, 1};
static char buf[1024];

static struct nlmsghdr *neighbour_message(uint16_t type, unsigned char family, uint16_t state)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *msg;

	nlh->nlmsg_type = type;
	msg = mnl_nlmsg_put_extra_header(nlh, sizeof(*msg));
	msg->ndm_family = family;
	msg->ndm_ifindex = 7;
	msg->ndm_state = state;
	return nlh;
}

START_TEST(takes_a_neighbour)
{
	struct nlmsghdr *nlh = neighbour_message(RTM_NEWNEIGH, AF_INET, NUD_STALE);
	struct kernel_neighbour n;

	mnl_attr_put(nlh, NDA_DST, sizeof(host), host);
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(mac), mac);
	ck_assert_int_eq(netlink_parse_neighbour(nlh, &n), 0);
	ck_assert(n.valid && !n.removed);
	ck_assert_uint_eq(n.ifindex, 7);
	ck_assert_uint_eq(n.ip.family, 4);
	ck_assert_mem_eq(n.ip.octets, host, 4);
	ck_assert_mem_eq(n.mac, mac, 6);
}
END_TEST

START_TEST(a_failed_neighbour_is_not_valid)
{
	struct nlmsghdr *nlh = neighbour_message(RTM_NEWNEIGH, AF_INET6, NUD_FAILED);
	struct kernel_neighbour n;

	mnl_attr_put(nlh, NDA_DST, sizeof(host6), host6);
	ck_assert_int_eq(netlink_parse_neighbour(nlh, &n), 0);
	ck_assert(!n.valid);
	ck_assert_uint_eq(n.ip.family, 6);
}
END_TEST

START_TEST(being_asked_for_is_no_news)
{
	struct nlmsghdr *nlh = neighbour_message(RTM_NEWNEIGH, AF_INET, NUD_INCOMPLETE);
	struct kernel_neighbour n;

	mnl_attr_put(nlh, NDA_DST, sizeof(host), host);
	ck_assert_int_eq(netlink_parse_neighbour(nlh, &n), -ENOENT);
}
END_TEST

START_TEST(a_forgotten_neighbour_is_removed)
{
	struct nlmsghdr *nlh = neighbour_message(RTM_DELNEIGH, AF_INET, NUD_STALE);
	struct kernel_neighbour n;

	mnl_attr_put(nlh, NDA_DST, sizeof(host), host);
	ck_assert_int_eq(netlink_parse_neighbour(nlh, &n), 0);
	ck_assert(n.removed && !n.valid);
}
END_TEST

START_TEST(a_bridge_entry_is_no_neighbour)
{
	struct nlmsghdr *nlh = neighbour_message(RTM_NEWNEIGH, AF_BRIDGE, NUD_REACHABLE);
	struct kernel_neighbour n;

	mnl_attr_put(nlh, NDA_LLADDR, sizeof(mac), mac);
	ck_assert_int_eq(netlink_parse_neighbour(nlh, &n), -ENOENT);
}
END_TEST

static struct nlmsghdr *route_message(unsigned char family, unsigned char len, unsigned char type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *msg;

	nlh->nlmsg_type = RTM_NEWROUTE;
	msg = mnl_nlmsg_put_extra_header(nlh, sizeof(*msg));
	msg->rtm_family = family;
	msg->rtm_dst_len = len;
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_type = type;
	return nlh;
}

START_TEST(takes_a_default_route)
{
	struct nlmsghdr *nlh = route_message(AF_INET, 0, RTN_UNICAST);
	struct kernel_route r;

	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put(nlh, RTA_GATEWAY, sizeof(gateway), gateway);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 100);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), 0);
	ck_assert_uint_eq(r.ifindex, 7);
	ck_assert_uint_eq(r.prefix.family, 4);
	ck_assert_uint_eq(r.prefix_len, 0);
	ck_assert_uint_eq(r.metric, 100);
	ck_assert_mem_eq(r.gateway.octets, gateway, 4);
}
END_TEST

START_TEST(takes_the_first_hop_of_several)
{
	struct nlmsghdr *nlh = route_message(AF_INET, 24, RTN_UNICAST);
	struct rtnexthop *hop;
	struct kernel_route r;
	char hops[64] = {0};
	struct nlattr *inner;

	hop = (struct rtnexthop *)hops;
	hop->rtnh_ifindex = 9;
	hop->rtnh_len = sizeof(*hop) + 8;
	inner = (struct nlattr *)(hop + 1);
	inner->nla_type = RTA_GATEWAY;
	inner->nla_len = 8;
	memcpy(inner + 1, gateway, 4);
	hop = (struct rtnexthop *)(hops + 16);
	hop->rtnh_ifindex = 10;
	hop->rtnh_len = sizeof(*hop);
	mnl_attr_put(nlh, RTA_DST, 4, host);
	mnl_attr_put(nlh, RTA_MULTIPATH, 24, hops);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), 0);
	ck_assert_uint_eq(r.ifindex, 9);
	ck_assert_mem_eq(r.gateway.octets, gateway, 4);
	ck_assert_uint_eq(r.also[0], 10);
	ck_assert_uint_eq(r.also[1], 0);
}
END_TEST

START_TEST(an_ipv4_route_may_have_an_ipv6_next_hop)
{
	struct nlmsghdr *nlh = route_message(AF_INET, 24, RTN_UNICAST);
	struct kernel_route r;
	char via[2 + 16];
	uint16_t family = AF_INET6;

	memcpy(via, &family, 2);
	memcpy(via + 2, link_local, 16);
	mnl_attr_put(nlh, RTA_DST, 4, host);
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put(nlh, RTA_VIA, sizeof(via), via);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), 0);
	ck_assert_uint_eq(r.gateway.family, 6);
	ck_assert_mem_eq(r.gateway.octets, link_local, 16);
}
END_TEST

START_TEST(other_routes_are_not_ours)
{
	struct kernel_route r;
	struct nlmsghdr *nlh = route_message(AF_INET, 32, RTN_LOCAL);

	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), -ENOENT);
	// Another table.
	nlh = route_message(AF_INET, 24, RTN_UNICAST);
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put_u32(nlh, RTA_TABLE, 1000);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), -ENOENT);
	// Nowhere to go.
	nlh = route_message(AF_INET, 24, RTN_UNICAST);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), -ENOENT);
	// Link-local.
	nlh = route_message(AF_INET6, 64, RTN_UNICAST);
	mnl_attr_put(nlh, RTA_DST, 16, link_local);
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), -ENOENT);
	// A prefix longer than its address.
	nlh = route_message(AF_INET, 33, RTN_UNICAST);
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	ck_assert_int_eq(netlink_parse_route(nlh, &r), -ENOENT);
}
END_TEST

// Every length of a message, its end against an unmapped page: nothing beyond it is read.
START_TEST(reads_nothing_beyond_the_message)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct nlmsghdr *nlh = route_message(AF_INET, 24, RTN_UNICAST);
	struct kernel_route r;
	struct kernel_neighbour n;

	ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
	mnl_attr_put(nlh, RTA_DST, 4, host);
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put(nlh, RTA_GATEWAY, 4, gateway);
	for (uint32_t len = sizeof(*nlh); len <= nlh->nlmsg_len; len += 4) {
		struct nlmsghdr *copy = (struct nlmsghdr *)(map + page - len);

		memcpy(copy, nlh, len);
		copy->nlmsg_len = len;
		netlink_parse_route(copy, &r);
		copy->nlmsg_type = RTM_NEWNEIGH;
		netlink_parse_neighbour(copy, &n);
	}
	munmap(map, 2 * page);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("netlink_parse");

	tcase_add_test(tc, takes_a_neighbour);
	tcase_add_test(tc, a_failed_neighbour_is_not_valid);
	tcase_add_test(tc, being_asked_for_is_no_news);
	tcase_add_test(tc, a_forgotten_neighbour_is_removed);
	tcase_add_test(tc, a_bridge_entry_is_no_neighbour);
	tcase_add_test(tc, takes_a_default_route);
	tcase_add_test(tc, takes_the_first_hop_of_several);
	tcase_add_test(tc, an_ipv4_route_may_have_an_ipv6_next_hop);
	tcase_add_test(tc, other_routes_are_not_ours);
	tcase_add_test(tc, reads_nothing_beyond_the_message);
	return suite_run(tc);
}
