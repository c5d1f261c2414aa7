// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_FORWARD_MESSAGES_H
#define BENCH_FORWARD_MESSAGES_H

#include "dataplane/dispatch/snapshot.h"

// Messages as they come in on the ports of a balancer, as whole Ethernet frames. No two alike:
// names, numbers, addresses, order of header fields and what is there at all differ. The same seed
// gives the same set. What belongs to a dialog carries valid tokens: the INVITE that began it went
// through the decision of this very snapshot.

enum forward_kind {
	FORWARD_INVITE_412, // no body
	FORWARD_INVITE_740, // with SDP
	FORWARD_REGISTER,
	FORWARD_OK_200, // from the backend, with SDP
	FORWARD_BYE, // from the client, our Route in it
	FORWARD_OPTIONS,
	FORWARD_MIX, // of the six above
	FORWARD_MALFORMED, // an INVITE with one thing wrong
	FORWARD_VIAS_20,
	FORWARD_FOLDED, // an INVITE whose header fields are folded
	FORWARD_INVITE_4K,
	FORWARD_KINDS
};

// Ports of the bench, by index.
#define FORWARD_OUTSIDE 0
#define FORWARD_INSIDE 1
#define FORWARD_PORTS 2

// Addresses, as text without a port; both families. Backends follow the first one.
#define FORWARD_VIP4 "203.0.113.5"
#define FORWARD_VIP6 "2001:db8:5::5"
#define FORWARD_BACKEND4 "10.20.0.11"
#define FORWARD_BACKEND6 "2001:db8:20::11"
#define FORWARD_GATEWAY4 "198.51.100.1"
#define FORWARD_GATEWAY6 "2001:db8:1::1"
#define FORWARD_SIP_PORT 5060

#define FORWARD_CLIENTS 4096 // addresses that requests come from

struct forward_message {
	const char *sip; // SIP_PAD octets readable on both sides
	uint16_t len;
	uint8_t kind; // enum forward_kind; never MIX
	uint8_t port; // that it comes in on
	struct endpoint source;
	uint32_t first_frame, nb_frames;
};

struct forward_frame {
	const char *data;
	uint16_t len;
	uint8_t port;
};

struct forward_set {
	struct forward_message *messages;
	struct forward_frame *frames;
	uint32_t nb_messages, nb_frames;
	uint64_t octets; // SIP octets of all messages
	char *room;
	uint32_t room_len, room_used;
};

struct forward_set_options {
	const struct snapshot *snap;
	const struct backend_bits *bits;
	enum forward_kind kind;
	uint32_t nb;
	bool v6;
	bool fragments; // frames of at most 1500 octets of IP, else as long as the message
	uint64_t seed;
};

// Ends the program when memory or a decision fails.
void forward_set_create(struct forward_set *set, const struct forward_set_options *options);
void forward_set_destroy(struct forward_set *set);

// INVITEs are for users "u0" and so on of example.com, and so are bindings.
#define FORWARD_USERS 1000000
// The i-th of the addresses that follow `base`.
struct ip_addr forward_address(const char *base, uint32_t i);

#endif
