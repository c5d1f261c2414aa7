// SPDX-License-Identifier: BSD-3-Clause
#include "bench/steps.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

volatile uint64_t steps_counted;

static void (*observe)(uintptr_t at, uintptr_t next);

void steps_observe(void (*observer)(uintptr_t at, uintptr_t next))
{
	observe = observer;
}

#if defined(__x86_64__)
static uint64_t overhead; // of an empty pair
static volatile greg_t last_rip;

// Between iterations of a repeated string instruction the next one is still the same.
static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t rip = ((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)info;
	if (rip != last_rip) {
		steps_counted++;
		if (observe != NULL && last_rip != 0)
			observe((uintptr_t)last_rip, (uintptr_t)rip);
	}
	last_rip = rip;
}

// Not inlined, so that the same instructions belong to every pair. What lies within 128 octets
// below the stack pointer may be the compiler's (System V ABI, "red zone").
__attribute__((noinline)) static void trap_flag_set(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 :
			 : "memory", "cc");
}

__attribute__((noinline)) static void trap_flag_clear(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "andq $~0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 :
			 : "memory", "cc");
}

__attribute__((noinline)) void steps_begin(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigaction(SIGTRAP, &action, NULL);
	steps_counted = 0;
	last_rip = 0;
	trap_flag_set();
}

__attribute__((noinline)) uint64_t steps_end(void)
{
	trap_flag_clear();
	return steps_counted - overhead;
}

bool steps_available(void)
{
	overhead = 0;
	steps_begin();
	overhead = steps_end();
	return overhead > 0;
}
#else
bool steps_available(void)
{
	return false;
}

void steps_begin(void)
{
}

uint64_t steps_end(void)
{
	return 0;
}
#endif
