// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DATAPLANE_BED_H
#define TESTS_DATAPLANE_BED_H

#include <check.h>

#include "dataplane/dataplane.h"
#include "tests/dataplane/snapshot_fixture.h"

// The production workers on two in-memory ports, without lcores: a test puts frames in, has a
// worker turn, and takes frames out. Addresses are those of snapshot_fixture.h.
//
// Neighbours: BED_CALLER4/6 behind port 0, the fixture's first backends behind port 1.

#define BED_CALLER4 "198.51.100.10:5062"
#define BED_CALLER6 "[2001:db8:1::10]:5062"

struct bed {
	struct dataplane dp;
	struct published *published;
};

struct bed_options {
	uint16_t nb_workers; // default 1
	uint32_t bindings_max;
	uint32_t reassembly_timeout_ms; // default 1000
};

void bed_init(struct bed *bed, const struct bed_options *options);
// Also asserts that no mbuf is in use any more.
void bed_fini(struct bed *bed);

// Make a snapshot of the fixture the current one.
void bed_publish(struct bed *bed, const struct snapshot_fixture *fixture);

struct bed_packet { // what a test sends or receives
	struct endpoint from, to;
	uint8_t frame[20000];
	uint32_t frame_len;
	char payload[20000]; // NUL-terminated
	uint32_t payload_len;
	uint8_t ttl;
	struct rte_ether_addr src_mac, dst_mac;
};

// Write a UDP frame to port 0's or 1's address. '\n' in `text` stays as it is.
void bed_make(
	struct bed_packet *p, const char *from, const char *to, const void *payload, uint32_t len);
// Recompute the IP header's checksum after a test has changed it.
void bed_fix_ip(struct bed_packet *p);

// Put it into the receive queue of a worker.
void bed_put(struct bed *bed, uint16_t port, uint16_t worker, const struct bed_packet *p);
void bed_turn(struct bed *bed, uint16_t worker);
// Take what was sent; checks its checksums and takes it apart. Returns false when there is none.
bool bed_take(struct bed *bed, uint16_t port, struct bed_packet *p);
// The same from the ring towards the kernel twin.
bool bed_take_punt(struct bed *bed, struct bed_packet *p);

// Put, turn worker 0.
void bed_send(struct bed *bed, uint16_t port, const struct bed_packet *p);
// Of all workers and services.
uint64_t bed_drops(const struct bed *bed, enum drop_reason reason);

// '\n' -> CRLF; allocated.
char *bed_crlf(const char *text);
// An INVITE from `via` with so many octets of body; allocated.
char *bed_invite(const char *via, const char *call_id, unsigned int body);

#endif
