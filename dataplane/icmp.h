// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_ICMP_H
#define DATAPLANE_ICMP_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/dispatch/addr.h"

// ICMP errors about datagrams that we sent (RFC 792, RFC 4443): a send failure in the sense of
// RFC 3261 section 18.4, and so evidence about a backend.

enum icmp_error_kind {
	ICMP_ERROR_UNREACHABLE, // host, network or port
	ICMP_ERROR_TOO_BIG // a smaller MTU is on the way; see mtu
};

struct icmp_error {
	uint8_t kind; // enum icmp_error_kind
	uint8_t type, code; // as on the wire
	uint32_t mtu; // TOO_BIG: the next hop's; 0 when it does not say
	struct endpoint sent_from, sent_to; // of the UDP datagram that it is about
};

// Read the ICMP message at data[0 .. len), `family` 4 or 6. Checksums are not checked: what it
// claims is only ever taken for evidence when sent_from is ours and sent_to is a backend. Return 0,
// -ENOENT (not such an error, or not about UDP), -EBADMSG (cut short).
int icmp_error_read(const void *data, size_t len, uint8_t family, struct icmp_error *error);

#endif
