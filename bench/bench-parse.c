// SPDX-License-Identifier: BSD-3-Clause
// How long it takes to understand a SIP message: ours by kernel, the floor, memcpy and the peers,
// on the same messages in the same run. --help says how to call it.
#include "bench/bench-parse-subjects.h"

#include "bench/jumps.h"
#include "bench/steps.h"
#include "parser/sip_kernel.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define MESSAGES 1024
#define COUNTED 64 // messages whose instructions are counted
#define ROUNDS_MAX 401

struct options {
	const char *json; // file name
	const char *only; // one case
	const char *subject; // one subject
	unsigned int rounds;
	unsigned int counted; // messages whose instructions are counted
	unsigned int nb; // messages in a set
	bool jumps; // which are mispredicted, instead of times
};

static FILE *json;
static bool json_first = true;

static void report(const char *case_name, const char *metric, double value, const char *unit)
{
	if (json == NULL)
		return;
	fprintf(json,
		"%s\n{\"bench\": \"parse\", \"case\": \"%s\", \"metric\": \"%s\", "
		"\"value\": %.4f, \"unit\": \"%s\"}",
		json_first ? "" : ",", case_name, metric, value, unit);
	json_first = false;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return now_ns();
#endif
}

static double ticks_per_ns(void)
{
	uint64_t t0 = ticks(), n0 = now_ns();

	while (now_ns() - n0 < 50000000)
		continue;
	return (double)(ticks() - t0) / (double)(now_ns() - n0);
}

static void host_model(char *model, size_t room)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(model, room, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "model name", 10) != 0 || strchr(line, ':') == NULL)
			continue;
		snprintf(model, room, "%s", strchr(line, ':') + 2);
		model[strcspn(model, "\n")] = '\0';
		break;
	}
	if (f != NULL)
		fclose(f);
}

static void report_host(double tsc_ghz)
{
	struct utsname uts;
	char model[128];

	uname(&uts);
	host_model(model, sizeof(model));
	printf("%s, %ld processors, %s %s, compiler %s, TSC %.3f GHz\n", model,
		sysconf(_SC_NPROCESSORS_ONLN), uts.sysname, uts.release, __VERSION__, tsc_ghz);
	if (json == NULL)
		return;
	fprintf(json,
		"\n{\"bench\": \"host\", \"cpu\": \"%s\", \"cores\": %ld, \"kernel\": \"%s\", "
		"\"compiler\": \"%s\", \"tsc_ghz\": %.3f, \"sipshunt\": \"%s\"}",
		model, sysconf(_SC_NPROCESSORS_ONLN), uts.release, __VERSION__, tsc_ghz,
		SIPSHUNT_VERSION);
	json_first = false;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *values, unsigned int nb)
{
	qsort(values, nb, sizeof(*values), compare);
	return values[nb / 2];
}

static void evict(const struct message_set *set)
{
#if defined(__x86_64__)
	for (size_t i = 0; i < set->room_len; i += 64) {
		if (i > set->octets + (size_t)set->nb * 256)
			break;
		_mm_clflush(set->room + i);
	}
	_mm_mfence();
#endif
}

// One pass over nb messages of the set in an order that the prefetcher cannot foresee.
static uint64_t pass(const struct subject *s, const struct message_set *set, const uint16_t *order,
	unsigned int nb)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < nb; i++) {
		uint64_t n = s->run(&set->messages[order[i]]);

		if (n == 0) {
			fprintf(stderr, "bench-parse: %s refuses message %u\n", s->name, order[i]);
			exit(1);
		}
		sum += n;
	}
	return sum;
}

#define SUBJECTS_MAX 16

struct timing {
	uint64_t warm[ROUNDS_MAX], cold[ROUNDS_MAX]; // ticks
	unsigned int nb_warm, nb_cold;
};

// In ticks for the whole set.
static uint64_t time_pass(const struct subject *s, const struct message_set *set,
	const uint16_t *order, unsigned int nb)
{
	uint64_t start;

	if (s->kernel != NULL)
		sip_kernel_select(s->kernel);
	start = ticks();
	pass(s, set, order, nb);
	return (ticks() - start) * set->nb / nb;
}

static bool wanted(const struct options *o, const struct subject *s)
{
	return o->subject == NULL || strcmp(s->name, o->subject) == 0 ||
		strcmp(s->name, "floor") == 0;
}

// Per message. A step takes microseconds and the result does not depend on what else the machine
// does: a few messages do, all subjects the same ones, but for the peers, which take longer. They
// are spread over the set because the order is. 0 where it cannot be counted.
static double count_instructions(const struct options *o, const struct subject *s,
	const struct message_set *set, const uint16_t *order)
{
	unsigned int nb = o->counted < set->nb ? o->counted : set->nb;
	uint64_t steps;

	if (s->peer)
		nb = (nb + 15) / 16;
	if (nb == 0)
		return 0;
	if (s->kernel != NULL)
		sip_kernel_select(s->kernel);
	pass(s, set, order, nb);
	steps_begin();
	pass(s, set, order, nb);
	steps = steps_end();
	return (double)steps / nb;
}

static void report_subject(const char *case_name, const char *subject, const char *metric,
	double value, const char *unit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", subject, metric);
	report(case_name, name, value, unit);
}

// Which jumps of our best kernel, or of the subject that was asked for, are mispredicted.
static void watch_jumps(const struct options *o, const struct message_set *set, const char *name,
	const uint16_t *order)
{
	const struct subject *s = subjects();
	unsigned int learn = set->nb / 4;
	uint64_t missed;

	while (s->name != NULL &&
		(s->kernel == NULL || (o->subject != NULL && strcmp(s->name, o->subject) != 0)))
		s++;
	if (s->name == NULL)
		return;
	sip_kernel_select(s->kernel);
	jumps_begin();
	steps_begin();
	pass(s, set, order, learn);
	jumps_count();
	pass(s, set, order + learn, set->nb - learn);
	(void)steps_end();
	missed = jumps_end(stdout, JUMPS_SHOWN, set->nb - learn);
	printf("%-12s %-10s %6.2f mispredicted jumps a message\n", name, s->name,
		(double)missed / (set->nb - learn));
	report_subject(name, s->name, "mispredicted-jumps", (double)missed / (set->nb - learn),
		"jumps/message");
}

// A round asks every subject once, so that what else the machine does meets all alike. Peers take
// part in every fourth round and get an eighth of the messages, another one each time: their passes
// would be long enough to be interrupted more often than ours.
static void time_rounds(const struct options *o, const struct message_set *set,
	const uint16_t *order, struct timing *timings)
{
	const struct subject *all = subjects();

	for (unsigned int round = 0; round < o->rounds; round++) {
		for (unsigned int i = 0; all[i].name != NULL; i++) {
			struct timing *t = &timings[i];
			unsigned int nb = all[i].peer && set->nb >= 8 ? set->nb / 8 : set->nb;
			const uint16_t *some = order + (set->nb - nb) * (round % 8) / 8;

			if (!wanted(o, &all[i]) || (all[i].peer && round % 4 != 0))
				continue;
			pass(&all[i], set, some, nb);
			t->warm[t->nb_warm++] = time_pass(&all[i], set, some, nb);
			if (round % 4 != 0)
				continue;
			evict(set);
			t->cold[t->nb_cold++] = time_pass(&all[i], set, some, nb);
		}
	}
}

static void make_order(uint16_t *order, unsigned int nb)
{
	uint32_t r = 12345;

	for (unsigned int i = 0; i < nb; i++)
		order[i] = (uint16_t)i;
	for (unsigned int i = nb - 1; i > 0; i--) {
		unsigned int j;
		uint16_t swap = order[i];

		r = r * 1664525 + 1013904223;
		j = (r >> 8) % (i + 1);
		order[i] = order[j];
		order[j] = swap;
	}
}

struct row { // of a subject: ns per message, but for
	double warm, cold, best;
	double octets; // of a message
	double cycles; // of the TSC, per octet
	double instructions; // per message, 0: not counted
};

// One row; what divides it by the floor's is in `floor`, which the first subject fills in.
static void report_timing(
	const char *case_name, const char *subject, const struct row *row, struct row *floor)
{
	if (floor->warm == 0)
		*floor = *row;
	printf("%-10s %9.1f %9.1f %9.1f %9.3f %7.2f %7.1f %7.1f %7.1f", subject, row->warm,
		row->best, row->cold, row->cycles, row->octets / row->warm, row->warm / floor->warm,
		row->best / floor->best, row->cold / floor->cold);
	if (row->instructions > 0)
		printf(" %9.0f", row->instructions);
	putchar('\n');
	report_subject(case_name, subject, "warm", row->warm, "ns/message");
	report_subject(case_name, subject, "best", row->best, "ns/message");
	report_subject(case_name, subject, "cold", row->cold, "ns/message");
	report_subject(case_name, subject, "cycles", row->cycles, "TSC/octet");
	report_subject(case_name, subject, "rate", row->octets / row->warm, "GB/s");
	report_subject(case_name, subject, "vs-floor", row->warm / floor->warm, "ratio");
	report_subject(case_name, subject, "vs-floor-best", row->best / floor->best, "ratio");
	report_subject(case_name, subject, "vs-floor-cold", row->cold / floor->cold, "ratio");
	if (row->instructions > 0)
		report_subject(case_name, subject, "instructions", row->instructions,
			"instructions/message");
}

static void bench_case(const struct options *o, enum message_kind kind, double per_ns)
{
	static struct timing timings[SUBJECTS_MAX];
	static uint16_t order[MESSAGES];
	const struct subject *all = subjects();
	const char *name = message_kind_name(kind);
	struct row floor = {0};
	struct message_set set;
	double octets;

	message_set_create(&set, kind, o->nb, 42);
	octets = (double)set.octets / set.nb;
	make_order(order, o->nb);
	if (o->jumps) {
		watch_jumps(o, &set, name, order);
		message_set_destroy(&set);
		return;
	}
	memset(timings, 0, sizeof(timings));
	time_rounds(o, &set, order, timings);
	printf("\n%s: %u messages of %.0f octets\n%-10s %9s %9s %9s %9s %7s %7s %7s %7s %9s\n",
		name, o->nb, octets, "", "ns", "ns best", "ns cold", "TSC/octet", "GB/s", "x floor",
		"best x", "cold x", "instr");
	for (unsigned int i = 0; all[i].name != NULL; i++) {
		struct timing *t = &timings[i];
		struct row row = {.octets = octets};

		if (t->nb_warm == 0)
			continue;
		row.warm = (double)median(t->warm, t->nb_warm) / set.nb / per_ns;
		row.cold = (double)median(t->cold, t->nb_cold) / set.nb / per_ns;
		row.best = (double)t->warm[0] / set.nb / per_ns; // median() has sorted them
		row.cycles = row.warm * per_ns / octets;
		row.instructions = count_instructions(o, &all[i], &set, order);
		report_timing(name, all[i].name, &row, &floor);
	}
	message_set_destroy(&set);
}

static void usage(FILE *to)
{
	fprintf(to,
		"usage: bench-parse [--json FILE] [--case NAME] [--subject NAME] [--rounds N]\n"
		"                   [--messages N] [--instructions N] [--jumps] [--list]\n"
		"  --instructions N   count them for N messages (default %d; 0: do not)\n"
		"  --jumps            which are mispredicted, by a simulated predictor; where an "
		"address is: addr2line -ife FILE 0x...\n",
		COUNTED);
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"json", required_argument, NULL, 'j'},
		{"case", required_argument, NULL, 'c'}, {"subject", required_argument, NULL, 's'},
		{"rounds", required_argument, NULL, 'r'},
		{"messages", required_argument, NULL, 'm'}, {"jumps", no_argument, NULL, 'p'},
		{"instructions", required_argument, NULL, 'n'}, {"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'j':
			o->json = optarg;
			break;
		case 'c':
			o->only = optarg;
			break;
		case 's':
			o->subject = optarg;
			break;
		case 'r':
			o->rounds = (unsigned int)atoi(optarg);
			break;
		case 'm':
			o->nb = (unsigned int)atoi(optarg);
			break;
		case 'n':
			o->counted = (unsigned int)atoi(optarg);
			break;
		case 'p':
			o->jumps = true;
			break;
		case 'l':
			for (int k = 0; k < MESSAGE_KINDS; k++)
				puts(message_kind_name((enum message_kind)k));
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			return 2;
		}
	}
	if (o->nb == 0 || o->nb > MESSAGES || o->rounds == 0 || o->rounds > ROUNDS_MAX) {
		usage(stderr);
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {.rounds = 101, .nb = MESSAGES, .counted = COUNTED};
	double per_ns;

	if (parse_options(argc, argv, &o) != 0)
		return 2;
	peers_init();
	if (!steps_available()) {
		if (o.jumps) {
			fputs("bench-parse: jumps cannot be watched here\n", stderr);
			return 1;
		}
		o.counted = 0;
	}
	if (o.json != NULL) {
		json = fopen(o.json, "w");
		if (json == NULL) {
			perror(o.json);
			return 1;
		}
		fputc('[', json);
	}
	per_ns = ticks_per_ns();
	report_host(per_ns);
	for (int kind = 0; kind < MESSAGE_KINDS; kind++)
		if (o.only == NULL ||
			strcmp(o.only, message_kind_name((enum message_kind)kind)) == 0)
			bench_case(&o, (enum message_kind)kind, per_ns);
	if (json != NULL) {
		fprintf(json, "\n]\n");
		fclose(json);
	}
	return 0;
}
