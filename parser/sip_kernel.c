// SPDX-License-Identifier: BSD-3-Clause
#include "parser/sip_kernel.h"

#include "parser/internal.h"

#include <errno.h>

struct kernel {
	const char *name;
	sip_parse_fn *parse;
};

// Best first.
static const struct kernel kernels[] = {
#if defined(__x86_64__)
	{"avx2", sip_parse_avx2},
	{"sse4.2", sip_parse_sse42},
#elif defined(__aarch64__)
	{"neon", sip_parse_neon},
#endif
	{"scalar", sip_parse_scalar},
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static bool runs_here(const struct kernel *k)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (k->parse == sip_parse_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
			__builtin_cpu_supports("bmi2");
	if (k->parse == sip_parse_sse42)
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#endif
	return true;
}

static const struct kernel *best(void)
{
	const struct kernel *k = kernels;

	while (!runs_here(k))
		k++;
	return k;
}

static enum sip_reason choose_and_parse(struct sip_msg *msg, const char *buf, size_t len);

// The one thing in this room that is not constant. It only ever holds functions that give the same
// answer, so relaxed order is enough and it does not matter who of several threads stores it first.
static sip_parse_fn *chosen = choose_and_parse;

static enum sip_reason choose_and_parse(struct sip_msg *msg, const char *buf, size_t len)
{
	sip_parse_fn *parse = best()->parse;

	__atomic_store_n(&chosen, parse, __ATOMIC_RELAXED);
	return parse(msg, buf, len);
}

enum sip_reason sip_parse(struct sip_msg *msg, const char *buf, size_t len)
{
	return __atomic_load_n(&chosen, __ATOMIC_RELAXED)(msg, buf, len);
}

const char *sip_kernel_at(unsigned int i)
{
	for (size_t k = 0; k < NB_KERNELS; k++)
		if (runs_here(&kernels[k]) && i-- == 0)
			return kernels[k].name;
	return NULL;
}

const char *sip_kernel_name(void)
{
	sip_parse_fn *parse = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	for (size_t k = 0; k < NB_KERNELS; k++)
		if (kernels[k].parse == parse)
			return kernels[k].name;
	return best()->name;
}

int sip_kernel_select(const char *name)
{
	if (name == NULL) {
		__atomic_store_n(&chosen, best()->parse, __ATOMIC_RELAXED);
		return 0;
	}
	for (size_t k = 0; k < NB_KERNELS; k++) {
		if (strcmp(kernels[k].name, name) != 0 || !runs_here(&kernels[k]))
			continue;
		__atomic_store_n(&chosen, kernels[k].parse, __ATOMIC_RELAXED);
		return 0;
	}
	return -ENOENT;
}
