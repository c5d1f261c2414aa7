// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/kernel.h"

#include <errno.h>

static const char *const rule_names[RULES] = {
	[RULE_NONE] = "none",
	[RULE_TOKEN] = "token",
	[RULE_OUTBOUND] = "outbound",
	[RULE_TXN] = "transaction",
	[RULE_PREV_TABLE] = "previous-table",
	[RULE_BINDING] = "binding",
	[RULE_TABLE] = "table",
	[RULE_RESCUE] = "rescue",
	[RULE_VIA] = "via",
};

static const char *const drop_reason_names[DROP_REASONS] = {
	[DROP_NONE] = "none",
	[DROP_UNPARSABLE] = "unparsable",
	[DROP_FOREIGN_VIA] = "foreign-via",
	[DROP_FORGED_BRANCH] = "forged-branch",
	[DROP_RESPONSE_NOT_FROM_BACKEND] = "response-not-from-backend",
	[DROP_NO_NEXT_VIA] = "no-next-via",
	[DROP_BAD_TARGET] = "bad-target",
	[DROP_NO_BACKEND] = "no-backend",
	[DROP_ACK_UNANSWERABLE] = "ack-unanswerable",
	[DROP_NO_LISTENER] = "no-listener",
	[DROP_TOO_LARGE] = "too-large",
	[DROP_ACL] = "acl",
	[DROP_RATE_SOURCE] = "rate-source",
	[DROP_RATE_REPLY] = "rate-reply",
	[DROP_NOT_ALLOWED] = "not-allowed",
	[DROP_EDIT_OVERFLOW] = "edit-overflow",
	[DROP_NO_RESOLVER] = "no-resolver",
	[DROP_SPOOFED] = "spoofed-backend",
	[DROP_NOT_READY] = "not-ready",
	[DROP_BAD_IP] = "bad-ip",
	[DROP_BAD_CHECKSUM] = "bad-checksum",
	[DROP_FRAGMENT] = "fragment",
	[DROP_FRAGMENT_LIMIT] = "fragment-limit",
	[DROP_FRAGMENT_DUPLICATE] = "fragment-duplicate",
	[DROP_NO_ROUTE] = "no-route",
	[DROP_NEIGHBOUR] = "neighbour",
	[DROP_NO_MBUF] = "no-mbuf",
	[DROP_TX_FULL] = "tx-full",
	[DROP_KEEPALIVE] = "keepalive",
	[DROP_TWIN_FULL] = "twin-full",
};

const char *rule_name(enum rule rule)
{
	return (unsigned int)rule < RULES ? rule_names[rule] : "unknown";
}

const char *drop_reason_name(enum drop_reason reason)
{
	return (unsigned int)reason < DROP_REASONS ? drop_reason_names[reason] : "unknown";
}

struct kernel {
	const char *name;
	decide_many_fn *decide_many;
};

// Best first.
static const struct kernel kernels[] = {
#if defined(__x86_64__)
	{"avx2", decide_many_avx2},
#endif
	{"generic", decide_many_generic},
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static bool runs_here(const struct kernel *k)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (k->decide_many == decide_many_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
			__builtin_cpu_supports("bmi2");
#endif
	return true;
}

// Set before main(), and by dispatch_kernel_select() in tests and benchmarks. Kernels give the same
// answers, so a reader may see the old one or the new.
static decide_many_fn *chosen = decide_many_generic;

static decide_many_fn *best(void)
{
	const struct kernel *k = kernels;

	while (!runs_here(k))
		k++;
	return k->decide_many;
}

__attribute__((constructor)) static void choose(void)
{
	chosen = best();
}

void decide_many(const struct decide_ctx *ctx, const struct decide_in *const in[],
	struct decision *const out[], unsigned int nb)
{
	chosen(ctx, in, out, nb);
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

int dispatch_kernel_select(const char *name)
{
	if (name == NULL) {
		chosen = best();
		return 0;
	}
	for (size_t k = 0; k < NB_KERNELS; k++) {
		if (strcmp(kernels[k].name, name) != 0 || !runs_here(&kernels[k]))
			continue;
		chosen = kernels[k].decide_many;
		return 0;
	}
	return -ENOENT;
}
