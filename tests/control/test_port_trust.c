// SPDX-License-Identifier: BSD-3-Clause
#include "control/port_trust.h"

#include "tests/control/suite.h"

#include <string.h>

// Two ports: 0 is "wan0" with 192.0.2.10/24, 1 is "core0" with 10.20.0.10/24.

static struct config_prefix wan_net = {{4, {192, 0, 2, 10}}, 24};
static struct config_prefix core_net = {{4, {10, 20, 0, 10}}, 24};
static struct config_port ports[2];
static struct config_dataplane dataplane;
static struct snapshot_route routes[3];
static struct port_trust_input in;

enum {
	WAN = 1 << 0,
	CORE = 1 << 1
};

static void setup(void)
{
	ports[0] = (struct config_port){.name = "wan0", .addresses = &wan_net, .nb_addresses = 1};
	ports[1] = (struct config_port){.name = "core0", .addresses = &core_net, .nb_addresses = 1};
	dataplane = (struct config_dataplane){.ports = ports, .nb_ports = 2};
	in = (struct port_trust_input){
		.dataplane = &dataplane, .wanted = &dataplane, .routes = routes};
}

static struct ip_addr ip(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ip_addr){.family = 4, .octets = {a, b, c, d}};
}

static void add_route(struct ip_addr prefix, uint8_t len, uint16_t port)
{
	routes[in.nb_routes++] =
		(struct snapshot_route){.prefix = prefix, .prefix_len = len, .port = port};
}

static uint16_t barred(struct ip_addr addr)
{
	struct snapshot_backend backend = {.addr = {.ip = addr, .port = 5060}};

	port_trust_apply(&in, &backend, 1);
	return backend.barred_ports;
}

START_TEST(a_backend_is_believed_in_the_network_of_its_port)
{
	ck_assert_uint_eq(barred(ip(10, 20, 0, 11)), WAN);
	ck_assert_uint_eq(barred(ip(192, 0, 2, 11)), CORE);
}
END_TEST

START_TEST(a_backend_behind_a_router_is_believed_where_the_longest_route_leads)
{
	add_route(ip(0, 0, 0, 0), 0, 0);
	ck_assert_uint_eq(barred(ip(10, 99, 0, 1)), CORE);
	add_route(ip(10, 0, 0, 0), 8, 1);
	ck_assert_uint_eq(barred(ip(10, 99, 0, 1)), WAN);
}
END_TEST

START_TEST(every_next_hop_of_a_route_counts)
{
	add_route(ip(10, 0, 0, 0), 8, 1);
	routes[0].also_ports = WAN;
	ck_assert_uint_eq(barred(ip(10, 99, 0, 1)), 0);
}
END_TEST

START_TEST(a_backend_that_no_route_leads_to_is_believed_nowhere)
{
	ck_assert_uint_eq(barred(ip(10, 99, 0, 1)), WAN | CORE);
}
END_TEST

START_TEST(with_one_port_everything_is_believed_unless_the_file_says_no)
{
	dataplane.nb_ports = 1;
	ck_assert_uint_eq(barred(ip(10, 99, 0, 1)), 0);
	ports[0].backends = CONFIG_BACKENDS_NEVER;
	ck_assert_uint_eq(barred(ip(10, 99, 0, 1)), WAN);
}
END_TEST

START_TEST(what_the_file_says_goes_before_the_routes)
{
	ports[0].backends = CONFIG_BACKENDS_ALLOWED;
	ports[1].backends = CONFIG_BACKENDS_NEVER;
	ck_assert_uint_eq(barred(ip(10, 20, 0, 11)), CORE);
}
END_TEST

// A reload changes the file, not the ports that run, and may list them in another order.
START_TEST(a_reload_counts_by_the_name_of_the_port)
{
	struct config_port other[2] = {
		{.name = "core0", .backends = CONFIG_BACKENDS_NEVER}, {.name = "wan0"}};
	struct config_dataplane wanted = {.ports = other, .nb_ports = 2};

	in.wanted = &wanted;
	ck_assert_uint_eq(barred(ip(10, 20, 0, 11)), WAN | CORE);
	wanted.ports[0].name = "gone";
	ck_assert_uint_eq(barred(ip(10, 20, 0, 11)), WAN);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("port_trust");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_backend_is_believed_in_the_network_of_its_port);
	tcase_add_test(tc, a_backend_behind_a_router_is_believed_where_the_longest_route_leads);
	tcase_add_test(tc, every_next_hop_of_a_route_counts);
	tcase_add_test(tc, a_backend_that_no_route_leads_to_is_believed_nowhere);
	tcase_add_test(tc, with_one_port_everything_is_believed_unless_the_file_says_no);
	tcase_add_test(tc, what_the_file_says_goes_before_the_routes);
	tcase_add_test(tc, a_reload_counts_by_the_name_of_the_port);
	return suite_run(tc);
}
