// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_TEXT_KERNEL_H
#define TESTS_DISPATCH_TEXT_KERNEL_H

#include "parser/sip_msg.h"

// What looks at short texts and indices by vectors, compiled for each instruction set.
struct text_kernel {
	const char *name;
	bool (*same)(const char *a, const char *b, size_t len);
	const char *(*find)(const char *p, char c, size_t len);
	unsigned int (*next_hdr)(const struct sip_msg *msg, enum sip_hdr id, unsigned int i);
};

extern const struct text_kernel text_kernel_generic, text_kernel_avx2, text_kernel_avx512;

#endif
