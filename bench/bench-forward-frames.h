// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_FORWARD_FRAMES_H
#define BENCH_FORWARD_FRAMES_H

#include "bench/bench-forward-messages.h"

// Ethernet, IP and UDP around the messages of a bench.

#define FRAME_HEADERS_MAX (14 + 40 + 8 + 8)
#define FRAME_MTU 1500

struct frame_flow {
	struct endpoint source, to;
	uint16_t id; // of fragments
};

// The Ethernet addresses of the bench: ours per port, and the one of whoever is on the other side.
void frame_port_mac(uint8_t port, uint8_t mac[6]);
void frame_peer_mac(uint8_t port, uint8_t mac[6]);

// Frames that a message of `len` octets needs.
uint32_t frames_count(uint32_t len, bool v6, bool fragments);
// Write one: the whole datagram (fragment < 0) or its fragment-th part. Returns its length.
uint16_t frame_build(
	const struct frame_flow *flow, const struct forward_message *m, int fragment, char *out);

#endif
