// SPDX-License-Identifier: BSD-3-Clause
#include "parser/sip_kernel.h"

#include "parser/cpu.h"
#include "parser/internal.h"

#include <errno.h>

// Best first.
static const struct sip_kernel *const kernels[] = {
#if defined(__x86_64__)
	&sip_kernel_avx512,
	&sip_kernel_avx2,
	&sip_kernel_sse42,
#elif defined(__aarch64__)
	&sip_kernel_neon,
#endif
	&sip_kernel_scalar,
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static bool can_run(const struct sip_kernel *k)
{
#if defined(__x86_64__)
	if (k == &sip_kernel_avx512)
		return cpu_has_avx512();
	if (k == &sip_kernel_avx2)
		return cpu_has_avx2();
	__builtin_cpu_init();
	if (k == &sip_kernel_sse42)
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#endif
	return true;
}

// The one thing here that changes: set before main(), and by sip_kernel_select() in
// tests and benchmarks. Kernels give the same answers, so a reader may see the old one or the new.
const struct sip_kernel *sip_kernel = &sip_kernel_scalar;

// Asked once: CPUID leaves a virtual machine.
static bool runs_here[NB_KERNELS];

static const struct sip_kernel *best(void)
{
	size_t k = 0;

	while (!runs_here[k])
		k++;
	return kernels[k];
}

__attribute__((constructor)) static void choose(void)
{
	for (size_t k = 0; k < NB_KERNELS; k++)
		runs_here[k] = can_run(kernels[k]);
	sip_kernel = best();
}

enum sip_reason sip_parse(struct sip_msg *msg, const char *buf, size_t len)
{
	return sip_kernel->parse(msg, buf, len);
}

const char *sip_kernel_at(unsigned int i)
{
	for (size_t k = 0; k < NB_KERNELS; k++)
		if (runs_here[k] && i-- == 0)
			return kernels[k]->name;
	return NULL;
}

const char *sip_kernel_name(void)
{
	return sip_kernel->name;
}

int sip_kernel_select(const char *name)
{
	if (name == NULL) {
		sip_kernel = best();
		return 0;
	}
	for (size_t k = 0; k < NB_KERNELS; k++) {
		if (strcmp(kernels[k]->name, name) != 0 || !runs_here[k])
			continue;
		sip_kernel = kernels[k];
		return 0;
	}
	return -ENOENT;
}
