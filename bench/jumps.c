// SPDX-License-Identifier: BSD-3-Clause
#include "bench/jumps.h"

#include "bench/steps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// A TAGE predictor: a table of two-bit counters by address, and tables of tagged counters, each by
// the address and more of the outcomes before it than the one before. The longest that has a tag
// for a jump predicts it.
#define TABLES 14
#define TABLE_BITS 11
#define TAG_BITS 11
#define BASE_BITS 14
#define PAST_MAX 1024 // outcomes that are remembered, a power of two

static const unsigned int lengths[TABLES] = {
	4, 6, 9, 13, 19, 28, 42, 62, 92, 136, 200, 300, 440, 640};

struct entry {
	int8_t counter; // -4 to 3, taken from 0 on
	uint8_t useful; // 0 to 3
	uint16_t tag;
};

// The last `length` outcomes as a few bits, brought up to date by one at a time.
struct folded {
	uint32_t bits;
	unsigned int width;
};

struct predictor {
	struct entry tables[TABLES][1 << TABLE_BITS];
	int8_t base[1 << BASE_BITS]; // -2 to 1
	uint8_t past[PAST_MAX];
	uint32_t nb_past;
	struct folded index[TABLES], tag[TABLES], other[TABLES];
	int young_are_wrong; // 0 to 15: new entries have been worse than what was there
	uint32_t random;
};

// Where a jump's entries are, and which of them decide.
struct look {
	struct entry *entries[TABLES];
	uint16_t tags[TABLES];
	int8_t *base;
	int provider, second; // tables, -1: base
};

#define SLOTS (1 << 16) // distinct jumps, far more than there are

struct jump {
	uintptr_t at;
	uint64_t nb, taken, missed;
};

static struct predictor *predictor;
static struct jump *jumps;
static bool counting;

static void fold(struct folded *f, unsigned int length, unsigned int newest, unsigned int oldest)
{
	f->bits = f->bits << 1 | newest;
	f->bits ^= oldest << length % f->width;
	f->bits ^= f->bits >> f->width;
	f->bits &= (1u << f->width) - 1;
}

static void remember(struct predictor *p, unsigned int outcome)
{
	p->past[p->nb_past % PAST_MAX] = (uint8_t)outcome;
	for (unsigned int i = 0; i < TABLES; i++) {
		unsigned int oldest = p->past[(p->nb_past - lengths[i]) % PAST_MAX];

		fold(&p->index[i], lengths[i], outcome, oldest);
		fold(&p->tag[i], lengths[i], outcome, oldest);
		fold(&p->other[i], lengths[i], outcome, oldest);
	}
	p->nb_past++;
}

static void look_up(struct predictor *p, uintptr_t at, struct look *look)
{
	uint32_t hash = (uint32_t)at * 0x9e3779b1u;

	look->provider = look->second = -1;
	look->base = &p->base[hash >> (32 - BASE_BITS)];
	for (int i = 0; i < TABLES; i++) {
		uint32_t index =
			(hash >> 12 ^ hash >> (12 + TABLE_BITS - (i & 7)) ^ p->index[i].bits);

		look->entries[i] = &p->tables[i][index & ((1 << TABLE_BITS) - 1)];
		look->tags[i] = (hash >> 9 ^ p->tag[i].bits ^ p->other[i].bits << 1) & 0xfff;
		if (look->entries[i]->tag != look->tags[i])
			continue;
		look->second = look->provider;
		look->provider = i;
	}
}

static bool says(const struct look *look, int table)
{
	return table < 0 ? *look->base >= 0 : look->entries[table]->counter >= 0;
}

static bool is_young(const struct look *look)
{
	const struct entry *e = look->entries[look->provider];

	return e->useful == 0 && (e->counter == 0 || e->counter == -1);
}

static void count_to(int8_t *counter, bool taken, int least, int most)
{
	if (taken && *counter < most)
		++*counter;
	else if (!taken && *counter > least)
		--*counter;
}

// Room for this jump with more of its past than what mispredicted it.
static void allocate(struct predictor *p, struct look *look, bool taken)
{
	int i = look->provider + 1;

	p->random = p->random * 1664525 + 1013904223;
	i += p->random >> 31;
	for (int nb = 0; i < TABLES && nb < 2; i++) {
		struct entry *e = look->entries[i];

		if (e->useful > 0) {
			e->useful -= (p->random >> 24 & 7) == 0;
			continue;
		}
		*e = (struct entry){taken ? 0 : -1, 0, look->tags[i]};
		nb++;
		i++;
	}
}

static void learn(struct predictor *p, struct look *look, bool taken)
{
	bool provided = says(look, look->provider), second = says(look, look->second);
	struct entry *e;

	if (look->provider < 0)
		return count_to(look->base, taken, -2, 1);
	e = look->entries[look->provider];
	if (provided != second) {
		if (is_young(look))
			p->young_are_wrong += second == taken ? p->young_are_wrong < 15
							      : -(p->young_are_wrong > 0);
		if (provided == taken)
			e->useful += e->useful < 3;
		else
			e->useful -= e->useful > 0;
	}
	count_to(&e->counter, taken, -4, 3);
	if (e->useful == 0 && look->second < 0)
		count_to(look->base, taken, -2, 1);
}

// Returns whether it was predicted.
static bool predict(struct predictor *p, uintptr_t at, bool taken)
{
	struct look look;
	bool predicted;

	look_up(p, at, &look);
	predicted = look.provider >= 0 && is_young(&look) && p->young_are_wrong >= 8
		? says(&look, look.second)
		: says(&look, look.provider);
	learn(p, &look, taken);
	if (predicted != taken)
		allocate(p, &look, taken);
	remember(p, taken);
	return predicted == taken;
}

static struct jump *jump_at(uintptr_t at)
{
	uint32_t slot = (uint32_t)at * 0x9e3779b1u >> 16;

	while (jumps[slot].at != at && jumps[slot].at != 0)
		slot = (slot + 1) % SLOTS;
	jumps[slot].at = at;
	return &jumps[slot];
}

// How long the conditional jump at p is; 0: it is none.
static unsigned int jump_len(const uint8_t *p)
{
	if (p[0] >= 0x70 && p[0] <= 0x7f)
		return 2;
	return p[0] == 0x0f && p[1] >= 0x80 && p[1] <= 0x8f ? 6 : 0;
}

static bool is_call_or_jump(const uint8_t *p)
{
	return p[0] == 0xe8 || p[0] == 0xe9 || p[0] == 0xeb || p[0] == 0xc3 ||
		(p[0] == 0xff && (p[1] >> 3 & 7) >= 2 && (p[1] >> 3 & 7) <= 5);
}

static void on_step(uintptr_t at, uintptr_t next)
{
	const uint8_t *p = (const uint8_t *)at;
	unsigned int len = jump_len(p);
	struct jump *jump;
	bool taken, predicted;

	if (len == 0) {
		if (is_call_or_jump(p))
			remember(predictor, 1);
		return;
	}
	taken = next != at + len;
	predicted = predict(predictor, at, taken);
	if (!counting)
		return;
	jump = jump_at(at);
	jump->nb++;
	jump->taken += taken;
	jump->missed += !predicted;
}

void jumps_begin(void)
{
	predictor = calloc(1, sizeof(*predictor));
	jumps = calloc(SLOTS, sizeof(*jumps));
	if (predictor == NULL || jumps == NULL)
		abort();
	predictor->young_are_wrong = 8;
	predictor->random = 1;
	for (unsigned int i = 0; i < TABLES; i++) {
		predictor->index[i].width = TABLE_BITS;
		predictor->tag[i].width = TAG_BITS;
		predictor->other[i].width = TAG_BITS - 1;
	}
	counting = false;
	steps_observe(on_step);
}

void jumps_count(void)
{
	counting = true;
}

static int by_missed(const void *a, const void *b)
{
	const struct jump *x = a, *y = b;

	return (x->missed < y->missed) - (x->missed > y->missed);
}

uint64_t jumps_end(FILE *to, unsigned int most, double nb)
{
	extern char __executable_start;
	uint64_t missed = 0;

	steps_observe(NULL);
	qsort(jumps, SLOTS, sizeof(*jumps), by_missed);
	for (unsigned int i = 0; i < SLOTS && jumps[i].missed > 0; i++) {
		const struct jump *j = &jumps[i];

		missed += j->missed;
		if (i < most)
			fprintf(to, "  %6.3f of %7.3f a message, taken %3.0f %%, at 0x%lx\n",
				(double)j->missed / nb, (double)j->nb / nb,
				100.0 * (double)j->taken / (double)j->nb,
				(unsigned long)(j->at - (uintptr_t)&__executable_start));
	}
	free(predictor);
	free(jumps);
	return missed;
}
