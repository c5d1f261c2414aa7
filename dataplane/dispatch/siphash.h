// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_SIPHASH_H
#define DISPATCH_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#include "parser/strv.h"

// SipHash (Aumasson and Bernstein), a keyed pseudo-random function with 64-bit output.
// 1-3 chooses table rows, 2-4 signs tokens. Same result on every machine.
uint64_t siphash13(const uint8_t key[16], const void *data, size_t len);
uint64_t siphash24(const uint8_t key[16], const void *data, size_t len);

// 1-3 of "user@host" with the host in lower case, without putting them together first.
uint64_t siphash_user_host(const uint8_t key[16], struct strv user, struct strv host);

#endif
