// SPDX-License-Identifier: BSD-3-Clause
#include "control/twin.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define REQUEST_MAX 512 // octets; none of ours comes near
#define ANSWER_S 2 // the kernel answers at once, or something is very wrong

static unsigned char family_of(const struct ip_addr *ip)
{
	return ip->family == 4 ? AF_INET : AF_INET6;
}

static size_t octets_of(const struct ip_addr *ip)
{
	return ip->family == 4 ? 4 : 16;
}

struct mnl_socket *twin_open(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct timeval timeout = {ANSWER_S, 0};

	if (socket == NULL)
		return NULL;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
		setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
			sizeof(timeout)) < 0) {
		mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

void twin_close(struct mnl_socket *socket)
{
	if (socket != NULL)
		mnl_socket_close(socket);
}

static struct nlmsghdr *request(char *buf, uint16_t type, uint16_t flags)
{
	static uint32_t seq;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	nlh->nlmsg_seq = ++seq;
	return nlh;
}

// Send and wait for the acknowledgement. Returns 0 or what the kernel says.
static int talk(struct mnl_socket *socket, const struct nlmsghdr *nlh)
{
	char answer[8192];

	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		// An answer to an earlier request that timed out is not ours.
		if (((struct nlmsghdr *)answer)->nlmsg_seq != nlh->nlmsg_seq)
			continue;
		if (mnl_cb_run(answer, (size_t)len, nlh->nlmsg_seq, mnl_socket_get_portid(socket),
			    NULL, NULL) < 0)
			return -errno;
		return 0;
	}
}

int twin_set_up(struct mnl_socket *socket, unsigned int ifindex)
{
	char buf[REQUEST_MAX];
	struct nlmsghdr *nlh = request(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	link->ifi_index = (int)ifindex;
	link->ifi_change = IFF_UP;
	link->ifi_flags = IFF_UP;
	return talk(socket, nlh);
}

static int change_address(struct mnl_socket *socket, uint16_t type, unsigned int ifindex,
	const struct ip_addr *ip, uint8_t prefix_len)
{
	char buf[REQUEST_MAX];
	struct nlmsghdr *nlh =
		request(buf, type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct ifaddrmsg *addr = mnl_nlmsg_put_extra_header(nlh, sizeof(*addr));
	uint32_t flags = IFA_F_NODAD | IFA_F_PERMANENT;

	addr->ifa_family = family_of(ip);
	addr->ifa_prefixlen = prefix_len;
	addr->ifa_index = ifindex;
	addr->ifa_scope = RT_SCOPE_UNIVERSE;
	// A single address is reached by the route to us, it makes no net of its own.
	if (prefix_len == 8 * octets_of(ip))
		flags |= IFA_F_NOPREFIXROUTE;
	mnl_attr_put(nlh, IFA_LOCAL, octets_of(ip), ip->octets);
	mnl_attr_put(nlh, IFA_ADDRESS, octets_of(ip), ip->octets);
	mnl_attr_put_u32(nlh, IFA_FLAGS, flags);
	return talk(socket, nlh);
}

int twin_add_address(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *ip,
	uint8_t prefix_len)
{
	int rc = change_address(socket, RTM_NEWADDR, ifindex, ip, prefix_len);

	return rc == -EEXIST ? 0 : rc;
}

int twin_del_address(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *ip,
	uint8_t prefix_len)
{
	int rc = change_address(socket, RTM_DELADDR, ifindex, ip, prefix_len);

	return rc == -EADDRNOTAVAIL ? 0 : rc;
}

int twin_add_gateway(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *gateway)
{
	char buf[REQUEST_MAX];
	struct nlmsghdr *nlh = request(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(nlh, sizeof(*route));

	route->rtm_family = family_of(gateway);
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_GATEWAY, octets_of(gateway), gateway->octets);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	return talk(socket, nlh);
}

int twin_resolve(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *ip)
{
	char buf[REQUEST_MAX];
	struct nlmsghdr *nlh = request(buf, RTM_NEWNEIGH, NLM_F_CREATE);
	struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(nlh, sizeof(*neighbour));

	neighbour->ndm_family = family_of(ip);
	neighbour->ndm_ifindex = (int)ifindex;
	neighbour->ndm_state = NUD_NONE;
	neighbour->ndm_flags = NTF_USE;
	mnl_attr_put(nlh, NDA_DST, octets_of(ip), ip->octets);
	return talk(socket, nlh);
}
