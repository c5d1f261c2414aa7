// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DATAPLANE_SNAPSHOT_FIXTURE_H
#define TESTS_DATAPLANE_SNAPSHOT_FIXTURE_H

#include "dataplane/dispatch/snapshot.h"

// A snapshot for tests and benchmarks: one service, port 0 towards callers, port 1 towards
// backends.
//
// Listener 0 is the IPv4 one (VIP4), listener 1 the IPv6 one (VIP6). Backends are FIXTURE_BACKEND4
// and up, or with `v6` FIXTURE_BACKEND6 and up. Routes are on-link: 198.51.100.0/24, 10.20.0.0/16
// and 2001:db8:1::/64, 2001:db8:20::/64. With `nb_gateways`, more behind port 1: 100.64.0.0/24 and
// the next ones, via FIXTURE_GATEWAY and the next ones.

#define FIXTURE_VIP4 "203.0.113.5:5060"
#define FIXTURE_VIP6 "[2001:db8:5::5]:5060"
#define FIXTURE_BACKEND4 "10.20.1.1:5060"
#define FIXTURE_BACKEND6 "[2001:db8:20::1:1]:5060"
#define FIXTURE_GATEWAY "10.20.100.1"

#define FIXTURE_GATEWAYS_MAX 600
#define FIXTURE_MORE_ROUTES_MAX 300

struct snapshot_fixture {
	const char *listener, *backend; // texts of the IPv4 ones, instead of the above
	uint32_t nb_backends; // default 1
	uint32_t nb_gateways; // at most FIXTURE_GATEWAYS_MAX
	const struct snapshot_route *more_routes; // behind all of these
	uint32_t nb_more_routes;
	bool v6; // backends are
	uint8_t flags; // enum service_flags; default SERVICE_REPLY_UNPARSABLE
	bool no_flags;
	uint16_t barred_ports; // of all backends
	bool deny_callers; // 198.51.100.0/24 may not come in
	uint32_t source_rate, reply_rate, max_message;
	uint64_t generation; // default 1
	uint16_t mtu; // of both ports, default 1500
};

struct endpoint fixture_endpoint(const char *text);
// Gateway i, and an address behind it.
struct ip_addr fixture_gateway(uint32_t i);
struct ip_addr fixture_behind_gateway(uint32_t i, uint8_t last);

// Allocated, 64-byte aligned; the caller frees it. Ends the program when it cannot be built.
struct snapshot *snapshot_fixture_build(const struct snapshot_fixture *fixture);

#endif
