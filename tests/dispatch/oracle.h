// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_ORACLE_H
#define TESTS_DISPATCH_ORACLE_H

#include <stddef.h>
#include <stdint.h>

// What must hold for every message, whoever made it. Shared by the fuzz target and the forging
// test.

// How a message arrives: the input's first octet.
enum {
	ORACLE_FROM_BACKEND = 1 << 0,
	ORACLE_IPV6 = 1 << 1,
	ORACLE_TWO_SIDED = 1 << 2,
	ORACLE_STRANGER = 1 << 3, // from an address that no token names
	ORACLE_SPOOFED = 1 << 4, // from a backend's address, on a port where no backend is
	ORACLE_FLAGS = 1 << 5
};

void oracle_init(void);
void oracle_fini(void);

// Decide data[1 .. len) as data[0] says. Returns NULL, or which of these does not hold:
// - nothing is sent but to a backend, to the sender, or where a token of ours leads; from outside a
//   request goes to a backend and nowhere else, and what has no valid token of ours goes nowhere
//   else;
// - who forges a backend is not served at all;
// - an answer goes to the sender's address, is bounded, and is never for ACK or CANCEL;
// - what is sent on is a SIP message with the same identity and body, our Via on top, and edits in
//   place give what edits into a copy give and have room for their text;
// - the response to what was sent on returns to the sender.
const char *oracle_check(const uint8_t *data, size_t len);

// Messages to start from, with tokens of ours in them; NULL after the last. The first octet is as
// above. *len is set.
const uint8_t *oracle_seed(unsigned int i, size_t *len);

#endif
