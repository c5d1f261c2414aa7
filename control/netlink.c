// SPDX-License-Identifier: BSD-3-Clause
#include "control/netlink.h"

#include "control/ipc_client.h"
#include "control/log.h"
#include "control/netlink_parse.h"
#include "control/next_hop.h"
#include "control/publisher.h"
#include "control/twin.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

LOG_TOPIC("netlink");

#define ROUTES_SETTLE_MS 100 // a routing daemon changes many at once
#define REFRESH_S 20 // next hops are asked for again, before the kernel forgets them
#define ROUTES_MAX 65536
#define ASKED_SLOTS 256 // who was asked for lately
#define ASK_AGAIN_MS 500
#define VIPS_MAX CONFIG_LISTENERS_MAX

struct vip {
	struct ip_addr ip;
	unsigned int ifindex;
};

struct asked {
	struct ip_addr ip;
	int64_t when_ms;
};

struct netlink {
	struct control *control;
	struct mnl_socket *requests; // answered at once
	struct mnl_socket *follow; // what the kernel tells
	struct event *readable, *settle, *refresh;
	bool started;
	unsigned int ifindex[IPC_PORTS_MAX]; // of the twins; 0: none
	struct vip vips[VIPS_MAX]; // that we put on twins
	uint32_t nb_vips;
	struct snapshot_route *routes;
	uint32_t nb_routes;
	struct asked asked[ASKED_SLOTS];
};

// Returns the port index or -1.
static int port_of(const struct netlink *netlink, unsigned int ifindex)
{
	for (uint32_t i = 0; i < netlink->control->dataplane.nb_ports; i++) {
		if (ifindex != 0 && netlink->ifindex[i] == ifindex)
			return (int)i;
	}
	return -1;
}

static void from_config(struct ip_addr *ip, const struct config_addr *addr)
{
	*ip = (struct ip_addr){.family = addr->family};
	memcpy(ip->octets, addr->ip, sizeof(ip->octets));
}

// ---- Next hops ----------------------------------------------------------------------------------

// Ask for an address, but not for the same one again and again.
static void ask(struct netlink *netlink, uint16_t port, const struct ip_addr *ip)
{
	uint32_t hash = snapshot_hash_ip(ip);
	struct asked *slot = &netlink->asked[hash % ASKED_SLOTS];
	int64_t now = control_now_ms();
	int rc;

	if (port >= IPC_PORTS_MAX || netlink->ifindex[port] == 0)
		return;
	if (ip_addr_eq(&slot->ip, ip) && now - slot->when_ms < ASK_AGAIN_MS)
		return;
	slot->ip = *ip;
	slot->when_ms = now;
	rc = twin_resolve(netlink->requests, netlink->ifindex[port], ip);
	if (rc < 0) {
		char text[IP_ADDR_TEXT_MAX];

		ip_addr_format(ip, text);
		LOG(DEBUG, "resolve %s: %s", text, strerror(-rc));
	}
}

static const struct snapshot_route *find_route(
	const struct snapshot *snapshot, const struct ip_addr *ip)
{
	return next_hop_find(
		SNAPSHOT_AT(snapshot, routes, snapshot_route, 0), snapshot->routes.nb, ip);
}

static void ask_next_hops(struct netlink *netlink)
{
	const struct snapshot *snapshot = netlink->control->dataplane.snapshot;

	if (snapshot == NULL || netlink->control->dataplane.link != LINK_RUNNING)
		return;
	for (uint32_t i = 0; i < snapshot->backends.nb; i++) {
		const struct ip_addr *ip = &snapshot_backend(snapshot, (uint16_t)i)->addr.ip;
		const struct snapshot_route *route = find_route(snapshot, ip);

		if (route != NULL)
			ask(netlink, route->port,
				route->gateway.family != 0 ? &route->gateway : ip);
	}
	for (uint32_t i = 0; i < snapshot->routes.nb; i++) {
		const struct snapshot_route *route =
			SNAPSHOT_AT(snapshot, routes, snapshot_route, i);

		if (route->gateway.family != 0)
			ask(netlink, route->port, &route->gateway);
	}
}

// Whether calls depend on this neighbour, so that we never let the kernel forget it.
static bool is_next_hop(const struct netlink *netlink, const struct ip_addr *ip)
{
	const struct snapshot *snapshot = netlink->control->dataplane.snapshot;

	if (snapshot == NULL)
		return false;
	for (uint32_t i = 0; i < snapshot->backends.nb; i++) {
		if (ip_addr_eq(&snapshot_backend(snapshot, (uint16_t)i)->addr.ip, ip))
			return true;
	}
	for (uint32_t i = 0; i < snapshot->routes.nb; i++) {
		if (ip_addr_eq(&SNAPSHOT_AT(snapshot, routes, snapshot_route, i)->gateway, ip))
			return true;
	}
	return false;
}

// ---- What the kernel tells ----------------------------------------------------------------------

static void ship_neighbour(struct netlink *netlink, const struct kernel_neighbour *neighbour)
{
	int port = port_of(netlink, neighbour->ifindex);
	struct ipc_neighbour msg = {.ip = neighbour->ip, .valid = neighbour->valid};

	if (port < 0)
		return;
	// The kernel sees little of our traffic and may forget a neighbour that is in use.
	if (neighbour->removed && is_next_hop(netlink, &neighbour->ip)) {
		ask(netlink, (uint16_t)port, &neighbour->ip);
		return;
	}
	msg.port = (uint16_t)port;
	memcpy(msg.mac, neighbour->mac, sizeof(msg.mac));
	ipc_client_send(netlink->control->ipc, IPC_NEIGHBOUR, &msg, sizeof(msg));
}

static int on_neighbour(const struct nlmsghdr *nlh, void *arg)
{
	struct kernel_neighbour neighbour;

	if (netlink_parse_neighbour(nlh, &neighbour) == 0)
		ship_neighbour(arg, &neighbour);
	return MNL_CB_OK;
}

// The ports among these interfaces, a bit each.
static uint16_t ports_of(const struct netlink *netlink, const unsigned int also[])
{
	uint16_t mask = 0;

	for (unsigned int i = 0; i < KERNEL_ROUTE_ALSO_MAX && also[i] != 0; i++) {
		int port = port_of(netlink, also[i]);

		if (port >= 0)
			mask |= (uint16_t)(1u << port);
	}
	return mask;
}

struct route_list {
	struct netlink *netlink;
	struct snapshot_route *items;
	uint32_t *metrics;
	uint32_t nb;
};

// Of several routes to the same prefix the kernel takes the one with the lowest metric. It lists
// them one after the other.
static void add_route(struct route_list *list, const struct kernel_route *route, int port)
{
	uint32_t i = list->nb;

	if (i > 0 && list->items[i - 1].prefix_len == route->prefix_len &&
		ip_addr_eq(&list->items[i - 1].prefix, &route->prefix))
		i--;
	if (i == ROUTES_MAX || (i < list->nb && list->metrics[i] <= route->metric))
		return;
	list->items[i] = (struct snapshot_route){
		.prefix = route->prefix,
		.prefix_len = route->prefix_len,
		.port = (uint16_t)port,
		.gateway = route->gateway,
		.also_ports = ports_of(list->netlink, route->also),
	};
	list->metrics[i] = route->metric;
	if (i == list->nb)
		list->nb++;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	struct route_list *list = arg;
	struct kernel_route route;
	int port;

	if (netlink_parse_route(nlh, &route) < 0)
		return MNL_CB_OK;
	port = port_of(list->netlink, route.ifindex);
	if (port >= 0)
		add_route(list, &route, port);
	return MNL_CB_OK;
}

static int dump(struct netlink *netlink, uint16_t type, mnl_cb_t fn, void *arg)
{
	static char buf[65536];
	static uint32_t seq = UINT32_C(0x40000000);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *any;
	ssize_t len;
	int rc = 1;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++seq;
	any = mnl_nlmsg_put_extra_header(
		nlh, type == RTM_GETROUTE ? sizeof(struct rtmsg) : sizeof(struct ndmsg));
	any->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(netlink->requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (rc > 0) {
		len = mnl_socket_recvfrom(netlink->requests, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		rc = mnl_cb_run(
			buf, (size_t)len, seq, mnl_socket_get_portid(netlink->requests), fn, arg);
		if (rc < 0)
			return -errno;
	}
	return 0;
}

static void read_routes(struct netlink *netlink)
{
	struct route_list list = {.netlink = netlink};
	int rc = -ENOMEM;

	list.items = calloc(ROUTES_MAX, sizeof(*list.items));
	list.metrics = calloc(ROUTES_MAX, sizeof(*list.metrics));
	if (list.items != NULL && list.metrics != NULL)
		rc = dump(netlink, RTM_GETROUTE, on_route, &list);
	if (rc < 0) {
		LOG(ERR, "routes cannot be read: %s", strerror(-rc));
	} else if (list.nb != netlink->nb_routes ||
		memcmp(list.items, netlink->routes, list.nb * sizeof(*list.items)) != 0) {
		free(netlink->routes);
		netlink->routes = list.items;
		netlink->nb_routes = list.nb;
		list.items = NULL;
		LOG(INFO, "%u routes over our ports", netlink->nb_routes);
		publisher_set_routes(
			netlink->control->publisher, netlink->routes, netlink->nb_routes);
	}
	free(list.items);
	free(list.metrics);
}

static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	read_routes(arg);
}

static int on_told(const struct nlmsghdr *nlh, void *arg)
{
	struct netlink *netlink = arg;
	struct timeval settle = {0, ROUTES_SETTLE_MS * 1000};

	switch (nlh->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return on_neighbour(nlh, netlink);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (!evtimer_pending(netlink->settle, NULL))
			evtimer_add(netlink->settle, &settle);
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static char buf[65536];
	struct netlink *netlink = arg;

	for (;;) {
		ssize_t len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (len < 0 && errno == ENOBUFS) {
			// Some of what the kernel told is lost: read everything again.
			LOG(WARNING, "the kernel told too much at once, reading all again");
			dump(netlink, RTM_GETNEIGH, on_neighbour, netlink);
			read_routes(netlink);
			continue;
		}
		if (len <= 0)
			return;
		if (netlink->started)
			mnl_cb_run(buf, (size_t)len, 0, 0, on_told, netlink);
	}
}

// ---- Twins --------------------------------------------------------------------------------------

static void log_failure(int rc, const char *what, const struct ip_addr *ip, const char *twin)
{
	char text[IP_ADDR_TEXT_MAX];

	if (rc == 0)
		return;
	ip_addr_format(ip, text);
	LOG(ERR, "%s %s on %s: %s", what, text, twin, strerror(-rc));
}

// Where the kernel answers for a listener's address: the port in whose net it lies, else the first.
static unsigned int vip_twin(const struct netlink *netlink, const struct ip_addr *ip)
{
	const struct config_dataplane *config = &netlink->control->boot->dataplane;

	for (uint32_t i = 0; i < config->nb_ports; i++) {
		for (uint32_t k = 0; k < config->ports[i].nb_addresses; k++) {
			struct ip_addr net;

			from_config(&net, &config->ports[i].addresses[k].addr);
			if (netlink->ifindex[i] != 0 &&
				next_hop_covers(&net, config->ports[i].addresses[k].length, ip))
				return netlink->ifindex[i];
		}
	}
	for (uint32_t i = 0; i < config->nb_ports; i++) {
		if (netlink->ifindex[i] != 0)
			return netlink->ifindex[i];
	}
	return 0;
}

static bool is_port_address(const struct netlink *netlink, const struct ip_addr *ip)
{
	const struct config_dataplane *config = &netlink->control->boot->dataplane;
	struct ip_addr own;

	for (uint32_t i = 0; i < config->nb_ports; i++) {
		for (uint32_t k = 0; k < config->ports[i].nb_addresses; k++) {
			from_config(&own, &config->ports[i].addresses[k].addr);
			if (ip_addr_eq(&own, ip))
				return true;
		}
	}
	return false;
}

static uint8_t full_length(const struct ip_addr *ip)
{
	return ip->family == 4 ? 32 : 128;
}

static bool has_vip(const struct vip *vips, uint32_t nb, const struct ip_addr *ip)
{
	for (uint32_t i = 0; i < nb; i++) {
		if (ip_addr_eq(&vips[i].ip, ip))
			return true;
	}
	return false;
}

static uint32_t wanted_vips(const struct netlink *netlink, struct vip vips[VIPS_MAX])
{
	const struct config *config = netlink->control->config;
	uint32_t nb = 0;

	for (uint32_t i = 0; i < config->nb_services; i++) {
		for (uint32_t k = 0; k < config->services[i].nb_listen; k++) {
			struct vip vip;

			from_config(&vip.ip, &config->services[i].listen[k].address);
			vip.ifindex = vip_twin(netlink, &vip.ip);
			if (nb < VIPS_MAX && vip.ifindex != 0 && !has_vip(vips, nb, &vip.ip) &&
				!is_port_address(netlink, &vip.ip))
				vips[nb++] = vip;
		}
	}
	return nb;
}

static void set_vips(struct netlink *netlink)
{
	static struct vip wanted[VIPS_MAX];
	uint32_t nb = wanted_vips(netlink, wanted);

	for (uint32_t i = 0; i < netlink->nb_vips; i++) {
		const struct vip *old = &netlink->vips[i];

		if (!has_vip(wanted, nb, &old->ip))
			log_failure(twin_del_address(netlink->requests, old->ifindex, &old->ip,
					    full_length(&old->ip)),
				"removing", &old->ip, "its twin");
	}
	for (uint32_t i = 0; i < nb; i++)
		log_failure(twin_add_address(netlink->requests, wanted[i].ifindex, &wanted[i].ip,
				    full_length(&wanted[i].ip)),
			"address", &wanted[i].ip, "its twin");
	memcpy(netlink->vips, wanted, nb * sizeof(wanted[0]));
	netlink->nb_vips = nb;
}

// A twin has its port's MAC; a dataplane that was taken over did not tell it.
static void read_mac(struct ipc_port_info *port)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	memcpy(request.ifr_name, port->twin, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		memcpy(port->mac, request.ifr_hwaddr.sa_data, sizeof(port->mac));
	close(fd);
}

static void set_up_twin(struct netlink *netlink, uint32_t i)
{
	const struct config_port *config = &netlink->control->boot->dataplane.ports[i];
	struct ipc_port_info *port = &netlink->control->dataplane.ports[i];
	struct ip_addr ip;
	int rc;

	netlink->ifindex[i] = 0;
	if (port->twin[0] == '\0')
		return;
	netlink->ifindex[i] = if_nametoindex(port->twin);
	if (netlink->ifindex[i] == 0) {
		LOG(ERR, "port %s: there is no interface %s", port->name, port->twin);
		return;
	}
	read_mac(port);
	rc = twin_set_up(netlink->requests, netlink->ifindex[i]);
	if (rc < 0)
		LOG(ERR, "%s cannot be set up: %s", port->twin, strerror(-rc));
	for (uint32_t k = 0; k < config->nb_addresses; k++) {
		from_config(&ip, &config->addresses[k].addr);
		log_failure(twin_add_address(netlink->requests, netlink->ifindex[i], &ip,
				    config->addresses[k].length),
			"address", &ip, port->twin);
	}
	for (uint32_t k = 0; k < config->nb_gateway; k++) {
		from_config(&ip, &config->gateway[k]);
		rc = twin_add_gateway(netlink->requests, netlink->ifindex[i], &ip);
		if (rc == -EEXIST)
			LOG(INFO, "port %s: the host keeps its own default route", port->name);
		else
			log_failure(rc, "gateway", &ip, port->twin);
	}
}

void netlink_dataplane_started(struct netlink *netlink)
{
	int rc;

	if (netlink == NULL)
		return;
	memset(netlink->asked, 0, sizeof(netlink->asked));
	netlink->nb_vips = 0;
	for (uint32_t i = 0; i < netlink->control->dataplane.nb_ports &&
		i < netlink->control->boot->dataplane.nb_ports;
		i++)
		set_up_twin(netlink, i);
	set_vips(netlink);
	netlink->started = true;
	rc = dump(netlink, RTM_GETNEIGH, on_neighbour, netlink);
	if (rc < 0)
		LOG(ERR, "neighbours cannot be read: %s", strerror(-rc));
	read_routes(netlink);
}

void netlink_reload(struct netlink *netlink)
{
	if (netlink != NULL && netlink->started)
		set_vips(netlink);
}

void netlink_snapshot_published(struct netlink *netlink)
{
	if (netlink != NULL)
		ask_next_hops(netlink);
}

void netlink_resolve(struct netlink *netlink, uint16_t port, const struct ip_addr *ip)
{
	if (netlink != NULL && (ip->family == 4 || ip->family == 6))
		ask(netlink, port, ip);
}

static void on_refresh(evutil_socket_t fd, short what, void *arg)
{
	ask_next_hops(arg);
}

// ---- Life ---------------------------------------------------------------------------------------

static struct mnl_socket *open_follow(void)
{
	static const int groups[] = {RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int size = 4 << 20;

	if (socket == NULL)
		return NULL;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		goto close_socket;
	for (unsigned int i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
			0)
			goto close_socket;
	}
	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) <
		0)
		LOG(DEBUG, "a netlink buffer of %d octets is not allowed", size);
	return socket;

close_socket:
	mnl_socket_close(socket);
	return NULL;
}

struct netlink *netlink_create(struct control *control)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	struct timeval every = {REFRESH_S, 0};

	if (netlink == NULL)
		return NULL;
	netlink->control = control;
	netlink->requests = twin_open();
	netlink->follow = open_follow();
	if (netlink->requests == NULL || netlink->follow == NULL)
		goto destroy;
	netlink->readable = event_new(control->base, mnl_socket_get_fd(netlink->follow),
		EV_READ | EV_PERSIST, on_readable, netlink);
	netlink->settle = evtimer_new(control->base, on_settle, netlink);
	netlink->refresh = event_new(control->base, -1, EV_PERSIST, on_refresh, netlink);
	if (netlink->readable == NULL || netlink->settle == NULL || netlink->refresh == NULL)
		goto destroy;
	event_add(netlink->readable, NULL);
	evtimer_add(netlink->refresh, &every);
	return netlink;

destroy:
	netlink_destroy(netlink);
	return NULL;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void netlink_destroy(struct netlink *netlink)
{
	if (netlink == NULL)
		return;
	free_event(netlink->readable);
	free_event(netlink->settle);
	free_event(netlink->refresh);
	twin_close(netlink->requests);
	twin_close(netlink->follow);
	free(netlink->routes);
	free(netlink);
}
