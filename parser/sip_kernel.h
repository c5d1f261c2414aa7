// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_SIP_KERNEL_H
#define PARSER_SIP_KERNEL_H

// The instruction sets that sip_parse() is compiled for. The best one that the processor has is
// chosen before main(); nothing else about the parser depends on it, and all of them give
// the same result for the same octets. Any thread.

// The i-th kernel that this processor can run, best first; NULL after the last: "scalar".
const char *sip_kernel_at(unsigned int i);

// The one in use.
const char *sip_kernel_name(void);

// Use this one from now on, in all threads; NULL is the best. For tests and benchmarks.
// Returns 0, or -ENOENT when there is no such kernel or the processor cannot run it.
int sip_kernel_select(const char *name);

#endif
