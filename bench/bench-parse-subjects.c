// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-parse-subjects.h"

#include "parser/sip_kernel.h"
#include "parser/sip_msg.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The dispatch set, complete: what sip_parse() takes apart, and the first Route as a URI.
static uint64_t run_parser(const struct message *m)
{
	struct sip_msg msg;
	uint64_t sum;

	if (sip_parse(&msg, m->buf, m->len) != SIP_OK)
		return 0;
	sum = msg.call_id.len + msg.via.branch.off + msg.from_tag.off + msg.to_tag.len + msg.cseq +
		(uint64_t)msg.max_forwards + msg.content_length;
	if (sip_has(&msg, SIP_HDR_ROUTE)) {
		struct sip_uri uri;

		if (sip_uri_parse(&msg, msg.route, &uri) == 0)
			sum += uri.lr + uri.host.off;
	}
	return sum | 1;
}

static uint64_t run_memcpy(const struct message *m)
{
	static char to[16384];

	memcpy(to, m->buf, m->len);
	__asm__ volatile("" : : "r"(to) : "memory");
	return 1;
}

#if defined(__x86_64__)
// The floor: one pass that does nothing but write down where the header section's lines end.
__attribute__((target("avx2,bmi"))) static uint64_t run_floor(const struct message *m)
{
	const __m256i lf = _mm256_set1_epi8('\n');
	uint16_t ends[1024];
	uint64_t previous = 0;
	unsigned int n = 0;

	for (uint32_t base = 0; base < m->len && n < 900; base += 64) {
		const __m256i *p = (const __m256i *)(const void *)(m->buf + base);
		__m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256(p), lf);
		__m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256(p + 1), lf);
		uint64_t mask = (uint32_t)_mm256_movemask_epi8(low) |
			(uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
		uint64_t empty = mask & (mask << 2 | previous >> 62);

		previous = mask;
		if (empty != 0)
			mask &= (empty & -empty) - 1;
		for (; mask != 0; mask &= mask - 1)
			ends[n++] = (uint16_t)(base + (unsigned int)__builtin_ctzll(mask));
		if (empty != 0)
			break;
	}
	__asm__ volatile("" : : "r"(ends) : "memory");
	return n;
}
#else
static uint64_t run_floor(const struct message *m)
{
	uint16_t ends[1024];
	unsigned int n = 0;

	for (uint32_t i = 0; i < m->len && n < 1024; i++) {
		if (m->buf[i] != '\n')
			continue;
		if (i >= 2 && m->buf[i - 2] == '\n')
			break;
		ends[n++] = (uint16_t)i;
	}
	__asm__ volatile("" : : "r"(ends) : "memory");
	return n;
}
#endif

#define SUBJECTS_MAX 16

const struct subject *subjects(void)
{
	static struct subject all[SUBJECTS_MAX];
	unsigned int n = 0;
	const char *kernel;

	all[n++] = (struct subject){"floor", NULL, run_floor, false};
	all[n++] = (struct subject){"memcpy", NULL, run_memcpy, false};
	for (unsigned int i = 0; (kernel = sip_kernel_at(i)) != NULL; i++)
		all[n++] = (struct subject){kernel, kernel, run_parser, false};
	for (unsigned int i = 0; peer_subjects[i].name != NULL && n < SUBJECTS_MAX - 1; i++)
		all[n++] = peer_subjects[i];
	all[n] = (struct subject){NULL, NULL, NULL, false};
	return all;
}
