// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_PROBE_MESSAGE_H
#define CONTROL_PROBE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/dispatch/snapshot.h"

// An OPTIONS request (RFC 3261 section 11) from a listener to a backend, outside any dialog. Its
// branch is a signed probe token, so that the dataplane knows the answer for one of ours.
struct probe_message {
	const struct snapshot_key *key;
	const struct snapshot_listener *listener;
	const struct endpoint *to;
	const char *from; // URI, without angle brackets
	const char *node; // makes Call-IDs differ between nodes
	uint64_t probe_id;
};

// Returns the length, or -EMSGSIZE.
int probe_message_format(const struct probe_message *message, char *out, size_t size);

#endif
