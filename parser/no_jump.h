// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_NO_JUMP_H
#define PARSER_NO_JUMP_H

// No jump on x, which is what cannot be predicted: the compiler must have it before it goes on, and
// cannot see where it comes from. An integer; all ones or 0 where it picks one of two values.
#define NO_JUMP(x) __asm__ volatile("" : "+r"(x))

#endif
