// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REGISTRATIONS_VALUE_H
#define CONTROL_REGISTRATIONS_VALUE_H

#include <stdint.h>

#include "dataplane/dispatch/addr.h"
#include "parser/strv.h"

// A binding as text, the value of one contact in Redis:
// "<version> <expires> <gone> <backend id> <listener id> <flow> <node> <service/backend>"
// with the version in 16 digits, times in milliseconds since 1970. See docs/redis.md.

#define REGISTRATIONS_VALUE_MAX 384
#define REGISTRATIONS_NODE_MAX 63
#define REGISTRATIONS_BACKEND_MAX 127

struct registrations_value {
	uint64_t version;
	int64_t expires_ms; // CLOCK_REALTIME; of a deleted binding: until when to remember that
	bool deleted;
	uint32_t backend_id;
	uint16_t listener_id;
	struct endpoint flow;
	struct strv node;
	struct strv backend;
};

// Returns the length. NUL-terminated.
unsigned int registrations_value_format(
	const struct registrations_value *value, char out[REGISTRATIONS_VALUE_MAX]);

// The views of *value point into text. Returns 0 or -EBADMSG.
int registrations_value_parse(struct strv text, struct registrations_value *value);

#endif
