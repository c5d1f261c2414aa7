// SPDX-License-Identifier: BSD-3-Clause

// What the forwarding path costs: the production worker on in-memory ports, case by case, beside a
// floor that only swaps Ethernet addresses on the same ports and messages. What comes out is
// checked while it runs: one wrong message fails the run.

#include "bench/bench-forward-check.h"
#include "bench/bench-forward-lab.h"
#include "bench/bench-forward-pages.h"
#include "bench/jumps.h"
#include "bench/report.h"
#include "bench/steps.h"
#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/txn_cache.h"
#include "dataplane/memory.h"
#include "parser/sip_kernel.h"

#include <rte_cycles.h>

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define FLAGS (SERVICE_RECORD_ROUTE | SERVICE_REPLY_UNPARSABLE)
#define ROUNDS 31
#define ROUNDS_MAX 256
#define CASES_MAX 64
#define BACKENDS 8
#define JUMBO_MTU 9000

enum txns {
	TXNS_COLD,
	TXNS_WARM,
	TXNS_FULL,
	TXNS
};

struct forward_case {
	const char *name;
	enum forward_kind kind;
	uint16_t nb_backends; // 0: 8
	bool v6;
	bool no_record_route;
	bool bound; // 1 M users are bound to backends
	bool fragments; // IP fragments in, IP fragments out
	bool cksum; // no offload: checksums are ours to check and to make
	bool slow_setup; // not for --quick
	enum txns txns; // what the cache knows of them
};

static const struct forward_case cases[] = {
	{.name = "invite-412", .kind = FORWARD_INVITE_412},
	{.name = "invite-740", .kind = FORWARD_INVITE_740},
	{.name = "register", .kind = FORWARD_REGISTER},
	{.name = "ok-200", .kind = FORWARD_OK_200},
	{.name = "bye", .kind = FORWARD_BYE},
	{.name = "options", .kind = FORWARD_OPTIONS},
	{.name = "mix", .kind = FORWARD_MIX},
	{.name = "invite-412-no-rr", .kind = FORWARD_INVITE_412, .no_record_route = true},
	{.name = "invite-412-1-backend", .kind = FORWARD_INVITE_412, .nb_backends = 1},
	{.name = "invite-412-64-backends", .kind = FORWARD_INVITE_412, .nb_backends = 64},
	{.name = "invite-412-1000-backends",
		.kind = FORWARD_INVITE_412,
		.nb_backends = 1000,
		.slow_setup = true},
	{.name = "invite-412-1m-bindings",
		.kind = FORWARD_INVITE_412,
		.bound = true,
		.slow_setup = true},
	{.name = "invite-412-1000-1m",
		.kind = FORWARD_INVITE_412,
		.nb_backends = 1000,
		.bound = true,
		.slow_setup = true},
	{.name = "invite-412-ipv6", .kind = FORWARD_INVITE_412, .v6 = true},
	{.name = "mix-ipv6", .kind = FORWARD_MIX, .v6 = true},
	{.name = "invite-412-txn-warm", .kind = FORWARD_INVITE_412, .txns = TXNS_WARM},
	{.name = "invite-412-sw-cksum", .kind = FORWARD_INVITE_412, .cksum = true},
	{.name = "mix-sw-cksum", .kind = FORWARD_MIX, .cksum = true},
	{.name = "flood", .kind = FORWARD_INVITE_412, .txns = TXNS_FULL},
	{.name = "malformed", .kind = FORWARD_MALFORMED},
	{.name = "vias-20", .kind = FORWARD_VIAS_20},
	{.name = "folded", .kind = FORWARD_FOLDED},
	{.name = "invite-4k", .kind = FORWARD_INVITE_4K},
	{.name = "invite-4k-fragments", .kind = FORWARD_INVITE_4K, .fragments = true},
};

struct run { // a case and what was measured
	const struct forward_case *c;
	struct published *published;
	struct binding_table *bindings; // or NULL
	struct forward_set set;
	struct forward_check check;
	uint16_t mtu;
	double ns[ROUNDS_MAX], floor_ns[ROUNDS_MAX]; // per message
	double stage_ns[LAB_STAGES]; // the least of all rounds
	uint64_t latency[IPC_LATENCY_SLOTS];
	uint64_t dropped, punted;
	uint64_t bursts, busy_cycles; // of the passes that count
};

static struct options {
	unsigned int nb, rounds, cpu;
	const char *json, *only;
	bool quick, instructions, jumps, no_hugepages;
} options = {.nb = 4096, .cpu = UINT32_MAX};

static struct lab lab;
static double record_ns; // of one burst in the histogram
static struct txn_cache *txn_caches[TXNS];
static struct run runs[CASES_MAX];
static unsigned int nb_runs;

static void die(const char *what)
{
	fprintf(stderr, "bench-forward: %s\n", what);
	exit(2);
}

static double to_ns(uint64_t cycles)
{
	return (double)cycles * 1e9 / (double)rte_get_tsc_hz();
}

static void create_txn_caches(void)
{
	uint64_t hash = 1;

	for (unsigned int i = 0; i < TXNS; i++) {
		void *memory = memory_map(txn_cache_size(LAB_TXN_ENTRIES));

		if (memory == NULL)
			die("no memory for transactions");
		txn_caches[i] = txn_cache_init(memory, LAB_TXN_ENTRIES, lab.w->key);
	}
	for (uint32_t i = 0; i < 16 * LAB_TXN_ENTRIES; i++) {
		hash = hash * 6364136223846793005u + 1442695040888963407u;
		txn_cache_put(txn_caches[TXNS_FULL], hash ^ hash >> 29, lab.dp.clock.now_ms,
			TXN_INVITE_TTL_MS, (struct txn_hit){.backend_id = 1, .key_id = 'a'});
	}
}

// Cases of the same service share what is built for it.
static struct published *publish(const struct forward_case *c, uint16_t mtu)
{
	const struct lab_service service = {
		.nb_backends = c->nb_backends != 0 ? c->nb_backends : BACKENDS,
		.v6 = c->v6,
		.flags = (uint8_t)((c->no_record_route ? FLAGS & ~SERVICE_RECORD_ROUTE : FLAGS) |
			(c->bound ? SERVICE_AFFINITY_REGISTRATION : 0)),
	};

	for (unsigned int i = 0; i < nb_runs; i++) {
		const struct snapshot_service *s = snapshot_service(runs[i].published->snap, 0);

		if (s->nb_backends == service.nb_backends && s->flags == service.flags &&
			runs[i].c->v6 == c->v6 && runs[i].mtu == mtu)
			return runs[i].published;
	}
	return lab_publish(&service);
}

static void set_up(const struct forward_case *c)
{
	struct run *r = &runs[nb_runs];

	r->c = c;
	r->mtu = c->kind == FORWARD_INVITE_4K && !c->fragments ? JUMBO_MTU : 1500;
	r->published = publish(c, r->mtu);
	forward_set_create(&r->set,
		&(struct forward_set_options){
			.snap = r->published->snap,
			.bits = &r->published->bits,
			.kind = c->kind,
			.nb = c->kind >= FORWARD_INVITE_4K ? options.nb / 4 : options.nb,
			.v6 = c->v6,
			.fragments = c->fragments,
			.seed = 1,
		});
	r->check = (struct forward_check){
		.snap = r->published->snap,
		.set = &r->set,
		.cksum_offload = !c->cksum,
		.bound = c->bound ? (uint16_t)r->published->snap->backends.nb : 0,
		.every = options.quick ? 1 : 16,
	};
	check_init(&r->check);
	if (c->bound)
		r->bindings = lab_bind_users(&lab, r->published);
	for (unsigned int i = 0; i < LAB_STAGES; i++)
		r->stage_ns[i] = 1e12;
	nb_runs++;
}

// Everything as this case wants it, and its frames ready to come in.
static void prepare(struct run *r)
{
	struct worker *w = lab.w;

	lab.dp.publisher.current = r->published;
	w->bindings = r->bindings;
	w->tx_cksum = !r->c->cksum;
	for (uint16_t i = 0; i < FORWARD_PORTS; i++)
		lab.dp.ports[i].mtu = r->mtu;
	w->txns = txn_caches[r->c->txns];
	if (r->c->txns == TXNS_COLD)
		txn_cache_init(w->txns, LAB_TXN_ENTRIES, w->key);
	lab_fill(&lab, &r->set, !r->c->cksum);
}

static void take_out(struct run *r, bool check)
{
	struct rte_mbuf *mbufs[64];
	uint32_t nb;

	for (uint16_t port = 0; port < FORWARD_PORTS; port++) {
		while ((nb = lab_sent(&lab, port, mbufs, RTE_DIM(mbufs))) > 0) {
			for (uint32_t i = 0; check && i < nb; i++)
				check_frame(&r->check, mbufs[i], port);
			rte_pktmbuf_free_bulk(mbufs, nb);
		}
	}
	nb = lab_drain(&lab);
	if (check)
		r->punted += nb;
}

static uint64_t drops(void)
{
	const struct ipc_worker_counters *c = lab.w->counters;
	uint64_t nb = 0;

	for (unsigned int i = 0; i < DROP_REASONS; i++)
		nb += c->drops[i] + c->services[0].drops[i];
	return nb;
}

static double per_message(const struct run *r, uint64_t cycles)
{
	return to_ns(cycles) / r->set.nb_messages;
}

// A worker has its core to itself. On a machine where others run too, a pass of a few milliseconds
// gets it by priority, where the system lets us.
static void alone(bool on)
{
	const struct sched_param high = {.sched_priority = 1}, normal = {0};

	(void)sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, on ? &high : &normal);
}

static uint64_t pass(struct run *r, uint64_t (*run)(struct lab *))
{
	uint64_t cycles;

	alone(true);
	prepare(r);
	cycles = run(&lab);
	alone(false);
	return cycles;
}

// A pass that does not count. The case before had another snapshot, and workers forget their next
// hops with it; in production one stays for hours. With 1,000 backends finding them again was a
// sixth of the first pass.
static void warm_up(struct run *r)
{
	pass(r, lab_run);
	take_out(r, false);
}

static uint64_t nb_bursts(void)
{
	uint64_t nb = 0;

	for (unsigned int i = 0; i < IPC_BURST_SLOTS; i++)
		nb += lab.w->counters->burst[i];
	return nb;
}

static void cost_begin(struct run *r)
{
	r->bursts -= nb_bursts();
	r->busy_cycles -= lab.w->counters->busy_cycles;
}

static void cost_end(struct run *r)
{
	r->bursts += nb_bursts();
	r->busy_cycles += lab.w->counters->busy_cycles;
}

// The share of its busy time that the worker spends on recording how long bursts took, in percent:
// what one record takes, as often as it was done. (With and without it, the worker's own times
// differ by less than the machine does from one pass to the next.)
static double histogram_cost(const struct run *r)
{
	return (double)r->bursts * record_ns / to_ns(r->busy_cycles) * 100;
}

static void measure(struct run *r, unsigned int round)
{
	uint64_t stages[LAB_STAGES] = {0}, dropped;

	r->floor_ns[round] = per_message(r, pass(r, lab_run_macswap));
	take_out(r, false);

	warm_up(r);
	dropped = drops();
	cost_begin(r);
	memset(lab.w->counters->latency, 0, sizeof(lab.w->counters->latency));
	r->ns[round] = per_message(r, pass(r, lab_run));
	cost_end(r);
	for (unsigned int i = 0; i < IPC_LATENCY_SLOTS; i++)
		r->latency[i] += lab.w->counters->latency[i];
	r->dropped += drops() - dropped;
	take_out(r, true);

	alone(true);
	prepare(r);
	lab_run_stages(&lab, stages);
	alone(false);
	take_out(r, false);
	for (unsigned int i = 0; i < LAB_STAGES; i++)
		r->stage_ns[i] = RTE_MIN(r->stage_ns[i], per_message(r, stages[i]));
}

// The latency in microseconds that a share of what was sent did not exceed.
static double percentile(const uint64_t latency[IPC_LATENCY_SLOTS], double share)
{
	uint64_t all = 0, seen = 0;

	for (unsigned int i = 0; i < IPC_LATENCY_SLOTS; i++)
		all += latency[i];
	for (unsigned int i = 0; i < IPC_LATENCY_SLOTS; i++) {
		seen += latency[i];
		if (seen > 0 && (double)seen >= share * (double)all)
			return to_ns(ipc_latency_floor(i + 1)) / 1e3;
	}
	return 0;
}

// The added latency at 80 % of the highest rate: the worker's own histogram.
static void report_paced(struct run *r, double ns)
{
	uint64_t latency[IPC_LATENCY_SLOTS] = {0};

	warm_up(r);
	r->bursts = r->busy_cycles = 0;
	lab.pace_cycles = (uint64_t)(ns / 0.8 * (double)rte_get_tsc_hz() / 1e9);
	for (unsigned int round = 0; round < options.rounds; round++) {
		memset(lab.w->counters->latency, 0, sizeof(latency));
		cost_begin(r);
		pass(r, lab_run);
		cost_end(r);
		for (unsigned int i = 0; i < IPC_LATENCY_SLOTS; i++)
			latency[i] += lab.w->counters->latency[i];
		take_out(r, false);
	}
	lab.pace_cycles = 0;
	printf("%-26s added latency at 80 %% of its rate: p50 %.1f us, p99 %.1f us; bursts of "
	       "%.1f, "
	       "histogram %.2f %%\n",
		r->c->name, percentile(latency, 0.5), percentile(latency, 0.99),
		(double)r->set.nb_messages * options.rounds / (double)r->bursts, histogram_cost(r));
	report_value(r->c->name, "histogram-cost-80", histogram_cost(r), "%");
	report_value(r->c->name, "latency-80-p50", percentile(latency, 0.5), "us");
	report_value(r->c->name, "latency-80-p99", percentile(latency, 0.99), "us");
}

static double least(const double *values, unsigned int nb)
{
	double min = values[0];

	for (unsigned int i = 1; i < nb; i++)
		min = RTE_MIN(min, values[i]);
	return min;
}

static double report_run(struct run *r)
{
	double cost = histogram_cost(r), min = least(r->ns, options.rounds);
	double floor = least(r->floor_ns, options.rounds);
	double ns = report_median(r->ns, options.rounds);
	double octets = (double)r->set.octets / r->set.nb_messages;
	const char *name = r->c->name;
	char metric[32];

	printf("%-26s %6.0f %7.2f %7.2f %6.0f %6.0f %6.1f %6.1f ", name, octets, 1e3 / ns,
		1e3 / min, ns, min, floor, min / floor);
	report_value(name, "octets", octets, "octets/message");
	report_value(name, "rate", 1e9 / ns, "messages/s");
	report_value(name, "best-rate", 1e9 / min, "messages/s");
	report_value(name, "time", ns, "ns/message");
	report_value(name, "least-time", min, "ns/message");
	report_value(name, "floor", floor, "ns/message");
	report_value(name, "floor-ratio", min / floor, "ratio");
	for (unsigned int i = 0; i < LAB_STAGES; i++) {
		printf(" %5.1f", r->stage_ns[i]);
		snprintf(metric, sizeof(metric), "stage-%s", lab_stage_name((enum lab_stage)i));
		report_value(name, metric, r->stage_ns[i], "ns/message");
	}
	printf("  %5.1f %5.1f %5.2f\n", percentile(r->latency, 0.5), percentile(r->latency, 0.99),
		cost);
	report_value(name, "latency-p50", percentile(r->latency, 0.5), "us");
	report_value(name, "latency-p99", percentile(r->latency, 0.99), "us");
	report_value(name, "histogram-cost", cost, "%");
	report_value(name, "checked", (double)r->check.nb_checked, "messages");
	report_value(name, "wrong", (double)r->check.nb_wrong, "messages");
	return ns;
}

// Everything that came in has left once, and nothing was dropped that should not be.
static bool accounted_for(const struct run *r)
{
	uint64_t expected = (uint64_t)r->set.nb_messages * options.rounds;
	bool ok = r->check.nb_wrong == 0 && r->punted == 0 && r->check.nb_checked > 0;

	if (r->c->kind == FORWARD_MALFORMED)
		ok &= r->check.nb_messages + r->dropped == expected;
	else
		ok &= r->check.nb_messages == expected && r->dropped == 0;
	if (!ok)
		fprintf(stderr,
			"bench-forward: %s: %lu in, %lu out, %lu dropped, %lu to the kernel, "
			"%lu of %lu checked are wrong: %s\n",
			r->c->name, expected, r->check.nb_messages, r->dropped, r->punted,
			r->check.nb_wrong, r->check.nb_checked, r->check.why);
	return ok;
}

// The least share of huge pages in what dataplane/memory.h gave: transactions, snapshots, bindings.
static double table_pages(void)
{
	double share = pages_huge_share(txn_caches[TXNS_COLD]);

	for (unsigned int i = 0; i < nb_runs; i++) {
		share = RTE_MIN(share, pages_huge_share(runs[i].published->snap));
		if (runs[i].bindings != NULL)
			share = RTE_MIN(share, pages_huge_share(runs[i].bindings));
	}
	return share;
}

static void open_report(void)
{
	const char *packets = lab.hugepages ? "2 MB" : "4 kB";
	double share = table_pages();
	char tables[32] = "4 kB";

	if (share > 0)
		snprintf(tables, sizeof(tables), "2 MB (%.0f %%)", 100 * share);
	report_host("parser_kernel", sip_kernel_name());
	report_host("dispatch_kernel", dispatch_kernel_name());
	report_host("packet_pages", packets);
	report_host("table_pages", tables);
	if (report_open_plain("forward", options.json) != 0)
		die("cannot write the file");
	printf("parser for %s, dispatch for %s; pages: packets %s, tables %s\n", sip_kernel_name(),
		dispatch_kernel_name(), packets, tables);
}

static void print_heading(void)
{
	printf("one worker on CPU %u, %u messages per pass, %u rounds, TSC %.0f MHz\n"
	       "rates in million messages/s (median and best round), times in ns/message (median, "
	       "best), floor: macswap,\nstages: the best of all rounds each; latency in us at full "
	       "rate (bursts of %u); hist: share of the time that recording it takes, %%: %.1f ns "
	       "a "
	       "burst\n\n",
		options.cpu, options.nb, options.rounds, (double)rte_get_tsc_hz() / 1e6, BURST_MAX,
		record_ns);
	printf("%-26s %6s %7s %7s %6s %6s %6s %6s ", "CASE", "OCTETS", "RATE", "BEST", "NS",
		"LEAST", "FLOOR", "RATIO");
	for (unsigned int i = 0; i < LAB_STAGES; i++)
		printf(" %5.5s", lab_stage_name((enum lab_stage)i));
	printf("  %5s %5s %5s\n", "P50", "P99", "HIST");
}

static int run_all(void)
{
	bool ok = true;

	open_report();
	record_ns = lab_record_ns(&lab);
	report_value("all", "histogram-record", record_ns, "ns/burst");
	print_heading();
	// Case after case in each round: what else the machine does meets all alike.
	for (unsigned int round = 0; round < options.rounds; round++)
		for (unsigned int i = 0; i < nb_runs; i++)
			measure(&runs[i], round);
	for (unsigned int i = 0; i < nb_runs; i++) {
		double ns = report_run(&runs[i]);

		if (runs[i].c->kind == FORWARD_MIX || i == 0)
			report_paced(&runs[i], ns);
	}
	for (unsigned int i = 0; i < nb_runs; i++)
		ok &= accounted_for(&runs[i]);
	if (report_close() != 0)
		die("cannot write the file");
	return ok ? 0 : 1;
}

static void report_counts(const struct run *r, const struct lab_counts *counts)
{
	// In the order of the path.
	static const enum lab_stage order[] = {LAB_RX, LAB_RX_TAKE, LAB_CLASSIFY, LAB_REASSEMBLE,
		LAB_PARSE, LAB_DECIDE, LAB_REWRITE, LAB_TX, LAB_RECORD};
	double frames = (double)r->set.nb_frames / r->set.nb_messages;
	double all = (double)counts->all / (double)counts->nb_all * frames;
	const char *unit = "instructions/message";
	char metric[32];

	printf("%-26s %8.0f", r->c->name, all);
	report_value(r->c->name, "all-instructions", all, unit);
	for (unsigned int i = 0; i < RTE_DIM(order); i++) {
		double each = (double)counts->stages[order[i]] / (double)counts->nb_stages * frames;

		printf(" %10.0f", each);
		snprintf(metric, sizeof(metric), "%s-instructions", lab_stage_name(order[i]));
		report_value(r->c->name, metric, each, unit);
	}
	putchar('\n');
}

static int run_counted(void)
{
	if (!steps_available())
		die("instructions cannot be counted here");
	open_report();
	printf("instructions per message, %u messages per pass, %u passes, a turn of 64 counted\n\n"
	       "%-26s %8s %10s %10s %10s %10s %10s %10s %10s %10s %10s\n",
		options.nb, options.rounds, "CASE", "all", "rx", "rx_take", "classify",
		"reassemble", "parse", "decide", "rewrite", "tx", "record");
	for (unsigned int i = 0; i < nb_runs; i++) {
		struct lab_counts counts = {0};

		warm_up(&runs[i]);
		for (unsigned int round = 0; round < options.rounds; round++) {
			prepare(&runs[i]);
			lab_run_counted(&lab, &counts);
			take_out(&runs[i], true);
		}
		if (counts.nb_all == 0 || counts.nb_stages == 0)
			die("too few messages to count a turn");
		report_counts(&runs[i], &counts);
		if (runs[i].check.nb_wrong != 0)
			die(runs[i].check.why);
	}
	if (report_close() != 0)
		die("cannot write the file");
	return 0;
}

static int run_watched(void)
{
	if (!steps_available())
		die("jumps cannot be watched here");
	open_report();
	printf("mispredicted jumps per message by a simulated TAGE predictor, %u messages, a "
	       "quarter of "
	       "them to learn\n",
		options.nb);
	for (unsigned int i = 0; i < nb_runs; i++) {
		uint64_t nb, missed;

		warm_up(&runs[i]);
		prepare(&runs[i]);
		jumps_begin();
		nb = lab_run_watched(&lab, runs[i].set.nb_frames / 4);
		if (nb == 0)
			die("too few messages to watch their jumps");
		missed = jumps_end(stdout, JUMPS_SHOWN, (double)nb);
		take_out(&runs[i], true);
		printf("%-26s %6.2f\n", runs[i].c->name, (double)missed / (double)nb);
		report_value(runs[i].c->name, "mispredicted-jumps", (double)missed / (double)nb,
			"jumps/message");
		if (runs[i].check.nb_wrong != 0)
			die(runs[i].check.why);
	}
	if (report_close() != 0)
		die("cannot write the file");
	return 0;
}

static void usage(FILE *to, int status)
{
	fputs("usage: bench-forward [--quick] [--json FILE] [--case NAME] [--messages N] "
	      "[--rounds N] [--cpu N] [--kernel NAME] [--no-hugepages]\n"
	      "       bench-forward --instructions [--json FILE] [--case NAME] ...   count them\n"
	      "       bench-forward --jumps [--json FILE] [--case NAME] ...   where they are "
	      "mispredicted: addr2line -ife FILE 0x...\n"
	      "       bench-forward --list\n",
		to);
	exit(status);
}

static unsigned int number(
	const char *option, const char *text, unsigned int least, unsigned int most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) {
		fprintf(stderr, "bench-forward: %s: \"%s\" where %u to %u are allowed\n", option,
			text, least, most);
		exit(2);
	}
	return (unsigned int)value;
}

static const char *case_named(const char *name)
{
	for (unsigned int i = 0; i < RTE_DIM(cases); i++)
		if (strcmp(name, cases[i].name) == 0)
			return cases[i].name;
	fprintf(stderr, "bench-forward: --case: \"%s\" is none; --list names them\n", name);
	exit(2);
}

// The last CPU up to `most` that we may run on.
static unsigned int last_cpu(unsigned int most)
{
	unsigned int last = CPU_SETSIZE;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return 0;
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && cpu <= most; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			last = cpu;
	return last;
}

// One that only the parser or only dispatch has leaves the other as it is.
static void select_kernel(const char *name)
{
	int parser = sip_kernel_select(name), dispatch = dispatch_kernel_select(name);

	if (parser != 0 && dispatch != 0)
		die("--kernel: this processor runs none of that name");
}

static const struct option longs[] = {{"quick", no_argument, NULL, 'q'},
	{"json", required_argument, NULL, 'j'}, {"case", required_argument, NULL, 'c'},
	{"messages", required_argument, NULL, 'm'}, {"rounds", required_argument, NULL, 'r'},
	{"cpu", required_argument, NULL, 'u'}, {"instructions", no_argument, NULL, 'i'},
	{"jumps", no_argument, NULL, 'p'}, {"no-hugepages", no_argument, NULL, 'n'},
	{"kernel", required_argument, NULL, 'k'}, {"list", no_argument, NULL, 'l'},
	{"help", no_argument, NULL, 'h'}, {0}};

static void parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'q':
			// Tests run beside it that ask how many huge pages are free.
			options.quick = options.no_hugepages = true;
			options.nb = 512;
			options.rounds = 2;
			break;
		case 'j':
			options.json = optarg;
			break;
		case 'c':
			options.only = case_named(optarg);
			break;
		case 'm':
			options.nb = number("--messages", optarg, 64, LAB_FRAMES_MAX);
			break;
		case 'r':
			options.rounds = number("--rounds", optarg, 1, ROUNDS_MAX);
			break;
		case 'u':
			options.cpu = number("--cpu", optarg, 0, CPU_SETSIZE - 1);
			break;
		case 'n':
			options.no_hugepages = true;
			break;
		case 'k':
			select_kernel(optarg);
			break;
		case 'i':
			options.instructions = true;
			break;
		case 'p':
			options.jumps = true;
			break;
		case 'l':
			for (unsigned int i = 0; i < RTE_DIM(cases); i++)
				puts(cases[i].name);
			exit(0);
		default:
			usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
		}
	}
	if (options.rounds == 0)
		options.rounds = options.instructions ? 1 : ROUNDS;
	if (options.cpu == UINT32_MAX)
		options.cpu = last_cpu(CPU_SETSIZE);
	else if (last_cpu(options.cpu) != options.cpu)
		die("--cpu: not one that this process may run on");
}

int main(int argc, char **argv)
{
	int ret;

	parse_options(argc, argv);
	lab.hugepages = !options.no_hugepages;
	lab_start(&lab, options.cpu);
	create_txn_caches();
	for (unsigned int i = 0; i < RTE_DIM(cases); i++)
		if (options.only != NULL ? strcmp(options.only, cases[i].name) == 0
					 : !(options.quick && cases[i].slow_setup))
			set_up(&cases[i]);
	ret = options.instructions ? run_counted() : options.jumps ? run_watched() : run_all();
	for (unsigned int i = 0; i < nb_runs; i++) {
		forward_set_destroy(&runs[i].set);
		check_fini(&runs[i].check);
	}
	lab_stop(&lab);
	return ret;
}
