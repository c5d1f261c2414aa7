// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_PARSER_SAME_H
#define TESTS_PARSER_SAME_H

#include "parser/internal.h"

// sip_parse() without vectors and fast paths.
extern const struct sip_kernel kernel_reference;

// Parse the octets with the reference and every kernel, at the end and at the start of a page, with
// different padding and alignment. Returns NULL, or what differs, in words, good until the next
// call.
const char *kernels_differ(const void *octets, size_t len);

// What must hold of any parsed message: everything inside the header section, in order.
// Returns NULL, or what does not.
const char *message_broken(const struct sip_msg *msg, enum sip_reason reason, size_t len);

// Ask for everything that can be asked of a message, to see that nothing crashes.
void message_touch(const struct sip_msg *msg);

#endif
