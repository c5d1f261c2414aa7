// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <stddef.h>
#include <stdio.h>

#include "parser/sip_msg.h"

// A message read from a file, with room around it for the parser, and how it is shown.

#define MESSAGE_SIZE_MAX 1048576 // octets; a datagram has at most 65,535

struct message {
	const char *name; // the file, borrowed
	char *memory;
	const char *octets;
	size_t len;
};

// Read a file; "-" is standard input. Returns 0, -EFBIG, -ENOMEM or what reading returned.
int message_read(const char *name, struct message *message);
void message_fini(struct message *message);

// Print the line that `off` stands in, and up to two lines before it, each with its offset, and an
// arrow under the octet at `off`. `first` is the offset of octets.ptr[0] for people.
void message_print_arrow(FILE *out, struct strv octets, size_t off, size_t first);

// A value with its folds replaced by one SP (RFC 3261 section 7.3.1), to the heap; *len is its
// length. NULL when out of memory.
char *message_unfold(struct strv value, size_t *len);

#endif
