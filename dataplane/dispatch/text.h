// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TEXT_H
#define DISPATCH_TEXT_H

#include <stdint.h>

#include "dataplane/dispatch/addr.h"

// Numbers and addresses as text, without printf. Each writes at `out` and returns the end of what
// it wrote; it may scribble up to TEXT_SLACK octets beyond that.

#define TEXT_SLACK 8

char *text_u8(char *out, uint8_t value);
char *text_u16(char *out, uint16_t value);
char *text_u32(char *out, uint32_t value);
char *text_ip(char *out, const struct ip_addr *ip); // IPv6 as RFC 5952, without brackets

#endif
