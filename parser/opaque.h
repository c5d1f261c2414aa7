// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_OPAQUE_H
#define PARSER_OPAQUE_H

// Here x, an integer or a pointer, is in a register, and the compiler cannot see where it comes
// from.
// - What cannot be predicted gets no jump: x is all ones or 0 and picks one of two values.
// - What is near one address is reached by distances from it, instead of an address each.
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

#endif
