// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_AOR_KERNEL_H
#define TESTS_DISPATCH_AOR_KERNEL_H

#include "parser/sip_msg.h"

// aor_in_place(), compiled for each instruction set.
typedef uint32_t aor_in_place_fn(const struct sip_msg *msg, struct sip_slice uri);

aor_in_place_fn aor_in_place_generic, aor_in_place_avx2, aor_in_place_avx512;

#endif
