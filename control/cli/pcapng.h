// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PCAPNG_H
#define CLI_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

#include "dataplane/dispatch/addr.h"
#include "parser/strv.h"

// Write a capture file (pcapng, draft-ietf-opsawg-pcapng) of UDP datagrams whose packets are made
// up from their addresses: what a trace has is the message and where it went.

struct pcapng_packet {
	uint64_t unix_ns;
	struct endpoint source, destination; // of one address family
	struct strv payload; // what is there of it
	uint32_t payload_len; // of the whole message
	const char *comment; // shown with the packet; NULL: none
};

// Return 0 or -EIO.
int pcapng_begin(FILE *out, const char *application);
// Return 0, -EINVAL for addresses of two families, or -EIO.
int pcapng_write(FILE *out, const struct pcapng_packet *packet);

#endif
