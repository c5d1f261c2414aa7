// SPDX-License-Identifier: BSD-3-Clause
#include "control/netlink.h"

#include "control/twin.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// In a network namespace of the test's own, with a veth pair in the place of each twin.

#define SKIPPED 77 // meson's word for it

static struct lab lab;

static bool shell(const char *line)
{
	return system(line) == 0;
}

// The lab's file, with twins.
static const char *twin_yaml(void)
{
	static char yaml[4096];
	const char *text = lab_edit("  exception_path: none\n", "");
	const char *mark = strstr(text, "{name: wan,");

	snprintf(yaml, sizeof(yaml), "%.*s{twin: tw0, name: wan,%s", (int)(mark - text), text,
		mark + strlen("{name: wan,"));
	return yaml;
}

// check runs every test in a process of its own, so each has a namespace of its own.
static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	// A veth has a link-layer address and a peer that can answer.
	ck_assert(shell("ip link add tw0 type veth peer name peer0 && ip link set peer0 up"));
	ck_assert(shell("ip link add sx-core type veth peer name peer1"));
	lab_start(&lab, twin_yaml());
	ck_assert(lab_until(&lab, lab_is_up));
}

static void teardown(void)
{
	lab_stop(&lab);
}

static bool has_neighbour(struct lab *l)
{
	return l->fake.nb_neighbours > 0;
}

static bool has_four_routes(struct lab *l)
{
	return l->fake.snapshot->routes.nb == 4;
}

START_TEST(gives_the_twins_their_addresses)
{
	ck_assert(shell("ip -4 addr show dev tw0 | grep -q 198.51.100.2/24"));
	ck_assert(shell("ip -4 addr show dev sx-core | grep -q 10.20.1.10/24"));
	ck_assert(shell("ip link show dev tw0 | grep -q UP"));
	// The listeners' addresses lie in no port's net: they stand on the first twin.
	ck_assert(shell("ip -4 addr show dev tw0 | grep -q 203.0.113.5/32"));
	ck_assert(shell("ip -4 addr show dev tw0 | grep -q 203.0.113.6/32"));
	ck_assert(shell("ip route show default | grep -q 'via 198.51.100.1 dev tw0'"));
}
END_TEST

START_TEST(a_listener_that_goes_takes_its_address_along)
{
	static char yaml[4096];
	const char *text = twin_yaml();
	const char *mark = strstr(text, "203.0.113.6");

	snprintf(yaml, sizeof(yaml), "%.*s203.0.113.7%s", (int)(mark - text), text, mark + 11);
	lab_write(&lab, yaml);
	json_decref(lab_command(&lab, "reload", NULL));
	ck_assert(shell("ip -4 addr show dev tw0 | grep -q 203.0.113.7/32"));
	ck_assert(!shell("ip -4 addr show dev tw0 | grep -q 203.0.113.6/32"));
	ck_assert(shell("ip -4 addr show dev tw0 | grep -q 203.0.113.5/32"));
}
END_TEST

START_TEST(ships_neighbours)
{
	lab.fake.nb_neighbours = 0;
	ck_assert(shell("ip neigh replace 198.51.100.77 lladdr 02:00:00:00:00:77 dev tw0"));
	ck_assert(lab_until(&lab, has_neighbour));
	ck_assert_uint_eq(lab.fake.neighbour.port, 0);
	ck_assert_uint_eq(lab.fake.neighbour.valid, 1);
	ck_assert_uint_eq(lab.fake.neighbour.mac[5], 0x77);
	ck_assert_uint_eq(lab.fake.neighbour.ip.octets[3], 77);
	lab.fake.nb_neighbours = 0;
	ck_assert(shell("ip neigh del 198.51.100.77 dev tw0"));
	ck_assert(lab_until(&lab, has_neighbour));
	ck_assert_uint_eq(lab.fake.neighbour.valid, 0);
}
END_TEST

START_TEST(follows_routes)
{
	ck_assert_uint_eq(lab.fake.snapshot->routes.nb, 3);
	ck_assert(shell("ip route add 192.0.2.0/24 via 198.51.100.9 dev tw0"));
	ck_assert(lab_until(&lab, has_four_routes));
}
END_TEST

START_TEST(routes_over_other_interfaces_are_none_of_ours)
{
	ck_assert(shell("ip addr add 172.31.0.1/24 dev peer0"));
	lab_run_ms(&lab, 300);
	ck_assert_uint_eq(lab.fake.snapshot->routes.nb, 3);
}
END_TEST

START_TEST(has_the_kernel_resolve_what_is_missing)
{
	struct ipc_event event = {.type = IPC_EVENT_NEIGHBOUR};

	event.neighbour.port = 0;
	event.neighbour.ip = (struct ip_addr){4, {198, 51, 100, 88}};
	fake_dataplane_event(&lab.fake, 0, &event);
	lab_run_ms(&lab, 50);
	// Nobody answers, but the kernel asks.
	ck_assert(shell("ip neigh show 198.51.100.88 dev tw0 | grep -qE 'INCOMPLETE|FAILED'"));
	// Backends and gateways are asked for before they are needed.
	ck_assert(shell("ip neigh show 198.51.100.1 dev tw0 | grep -qE 'INCOMPLETE|FAILED'"));
}
END_TEST

START_TEST(asking_twice_changes_nothing)
{
	struct mnl_socket *socket = twin_open();
	unsigned int ifindex = if_nametoindex("tw0");
	const struct ip_addr ip = {4, {198, 51, 100, 2}};
	const struct ip_addr absent = {4, {198, 51, 100, 3}};

	ck_assert_ptr_nonnull(socket);
	ck_assert_int_eq(twin_set_up(socket, ifindex), 0);
	ck_assert_int_eq(twin_add_address(socket, ifindex, &ip, 24), 0);
	ck_assert_int_eq(twin_del_address(socket, ifindex, &absent, 24), 0);
	ck_assert_int_lt(twin_set_up(socket, 9999), 0);
	// Another default route stays as it is.
	ck_assert_int_eq(twin_add_gateway(socket, ifindex, &(struct ip_addr){4, {198, 51, 100, 9}}),
		-EEXIST);
	twin_close(socket);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("netlink");

	if (geteuid() != 0 || !shell("unshare -n ip link set lo up")) {
		puts("SKIP: needs root and the ip command");
		return SKIPPED;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, gives_the_twins_their_addresses);
	tcase_add_test(tc, a_listener_that_goes_takes_its_address_along);
	tcase_add_test(tc, ships_neighbours);
	tcase_add_test(tc, follows_routes);
	tcase_add_test(tc, routes_over_other_interfaces_are_none_of_ours);
	tcase_add_test(tc, has_the_kernel_resolve_what_is_missing);
	tcase_add_test(tc, asking_twice_changes_nothing);
	return suite_run(tc);
}
