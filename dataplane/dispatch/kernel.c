// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/kernel.h"

#include "parser/cpu.h"

#include <errno.h>

struct kernel {
	const char *name;
	decide_many_fn *decide_many;
	edit_apply_front_fn *apply_front;
	bool (*supported)(void); // NULL: everywhere
};

// Best first.
static const struct kernel kernels[] = {
#if defined(__x86_64__)
	{"avx512", decide_many_avx512, edit_apply_front_avx512, cpu_has_avx512},
	{"avx2", decide_many_avx2, edit_apply_front_avx2, cpu_has_avx2},
#endif
	{"generic", decide_many_generic, edit_apply_front_generic, NULL},
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static bool runs_here(const struct kernel *k)
{
	return k->supported == NULL || k->supported();
}

// Set before main(), and by dispatch_kernel_select() in tests and benchmarks. Kernels give the same
// answers, so a reader may see the old one or the new.
static const struct kernel *chosen = &kernels[NB_KERNELS - 1];

static const struct kernel *best(void)
{
	const struct kernel *k = kernels;

	while (!runs_here(k))
		k++;
	return k;
}

__attribute__((constructor)) static void choose(void)
{
	chosen = best();
}

void decide_many(const struct decide_ctx *ctx, const struct decide_in *const in[],
	struct decision *const out[], unsigned int nb)
{
	chosen->decide_many(ctx, in, out, nb);
}

uint32_t edit_apply_front(const struct sip_msg *msg, const struct edit_list *list, char *out)
{
	return chosen->apply_front(msg, list, out);
}

void decide(const struct decide_ctx *ctx, const struct decide_in *in, struct decision *out)
{
	decide_many(ctx, &in, &out, 1);
}

const char *dispatch_kernel_at(unsigned int i)
{
	for (size_t k = 0; k < NB_KERNELS; k++)
		if (runs_here(&kernels[k]) && i-- == 0)
			return kernels[k].name;
	return NULL;
}

const char *dispatch_kernel_name(void)
{
	return chosen->name;
}

int dispatch_kernel_select(const char *name)
{
	if (name == NULL) {
		chosen = best();
		return 0;
	}
	for (size_t k = 0; k < NB_KERNELS; k++) {
		if (strcmp(kernels[k].name, name) != 0 || !runs_here(&kernels[k]))
			continue;
		chosen = &kernels[k];
		return 0;
	}
	return -ENOENT;
}
