// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_PARSE_MESSAGES_H
#define BENCH_PARSE_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

// Messages like those in the field, no two alike: names, numbers and addresses of different length,
// header fields in different order, some of them not always there. The same seed gives the same
// set.

enum message_kind {
	MESSAGE_INVITE_412, // small, no body
	MESSAGE_INVITE_900, // with SDP
	MESSAGE_REGISTER,
	MESSAGE_OK_200,
	MESSAGE_BYE, // in a dialog: To tag, Route
	MESSAGE_OPTIONS,
	MESSAGE_COMPACT,
	MESSAGE_VIAS_20, // 20 Via and Route header fields
	MESSAGE_INVITE_4K,
	MESSAGE_KINDS
};

struct message {
	const char *buf; // SIP_PAD octets before and behind
	uint32_t len;
};

const char *message_kind_name(enum message_kind kind);

struct message_set {
	char *room;
	size_t room_len;
	struct message *messages;
	unsigned int nb;
	size_t octets; // of all messages
};

void message_set_create(
	struct message_set *set, enum message_kind kind, unsigned int nb, uint64_t seed);
void message_set_destroy(struct message_set *set);

#endif
