// SPDX-License-Identifier: BSD-3-Clause

// A load generator for a SIP proxy under test: INVITEs from kernel UDP sockets in one network
// namespace, sinks that play the backends in others. The time of sending travels in the message, so
// latency is one way and of the proxy alone. Driven by lines on standard input, each answered by
// one JSON object a line; every run is bounded in messages and in time.
//
//   run RATE SECONDS   new calls at this rate
//   map CALLS CSEQ     the same CALLS calls each time, slowly: which sink got which, as letters
//   close SINK         that backend dies: its socket is closed
//   quit

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SINKS_MAX 16
#define SOCKETS 16 // sources, each with its own port
#define BATCH 32
#define MESSAGE_LEN 412
#define MESSAGE_ROOM 2048
#define CALLS_MAX 65536 // of a map
#define SECONDS_MAX 30
#define RATE_MAX 5000000
#define SLOTS 1024
#define MAP_RATE 4000
#define SETTLE_NS 300000000

struct source {
	int fd;
	uint32_t branch, call_id, load, cseq; // where the fields stand
	char text[MESSAGE_LEN];
};

struct message {
	char octets[MESSAGE_ROOM];
};

static struct source sources[SOCKETS];
static int sinks[SINKS_MAX];
static unsigned int nb_sinks;

// Written by the receiver, read by the sender between runs.
static struct {
	uint64_t received, options;
	uint64_t latency[SLOTS];
	char map[CALLS_MAX];
	bool mapping;
	bool stop;
} seen;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void put_hex(char *out, uint64_t value)
{
	for (int i = 15; i >= 0; i--, value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
}

static uint64_t get_hex(const char *text)
{
	uint64_t value = 0;

	for (int i = 0; i < 16; i++)
		value = value << 4 |
			(uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
	return value;
}

// A UDP socket in a network namespace ("-": where we are).
static int socket_in(const char *ns, const char *address, uint16_t port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	int size = 8 << 20, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd;
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	if (strcmp(ns, "-") != 0) {
		int there = open(path, O_RDONLY | O_CLOEXEC);

		if (there < 0 || setns(there, CLONE_NEWNET) != 0)
			die(path);
		close(there);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || inet_pton(AF_INET, address, &name.sin_addr) != 1 ||
		bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0)
		die(address);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (home < 0 || setns(home, CLONE_NEWNET) != 0)
		die("home");
	close(home);
	return fd;
}

static uint32_t offset(const char *text, const char *of)
{
	const char *at = strstr(text, of);

	if (at == NULL)
		abort();
	return (uint32_t)(at - text + (long)strlen(of));
}

static void make_source(struct source *s, unsigned int i, const char *ns, const char *address,
	const struct sockaddr_in *target)
{
	uint16_t port = (uint16_t)(20000 + i);
	char text[MESSAGE_ROOM];
	int len;

	s->fd = socket_in(ns, address, port);
	if (connect(s->fd, (const struct sockaddr *)target, sizeof(*target)) != 0)
		die("connect");
	len = snprintf(text, sizeof(text),
		"INVITE sip:callee@example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s:%u;branch=z9hG4bK0000000000000000;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:load@example.com>;tag=4a5b6c7d\r\n"
		"To: <sip:callee@example.com>\r\nCall-ID: 0000000000000000@example.com\r\n"
		"CSeq: 1000 INVITE\r\nContact: <sip:load@%s:%u>\r\n"
		"X-Load: 0000000000000000 0000000000000000\r\nContent-Length: 0\r\nSubject: ",
		address, port, address, port);
	if (len < 0 || len > MESSAGE_LEN - 4)
		abort();
	while (len < MESSAGE_LEN - 4)
		text[len++] = 'x';
	memcpy(text + len, "\r\n\r\n", 5);
	s->branch = offset(text, "z9hG4bK");
	s->call_id = offset(text, "Call-ID: ");
	s->load = offset(text, "X-Load: ");
	s->cseq = offset(text, "CSeq: ");
	memcpy(s->text, text, MESSAGE_LEN);
}

static uint32_t slot_of(uint64_t ns)
{
	uint32_t msb, slot;

	if (ns < 16)
		return (uint32_t)ns;
	msb = 63 - (uint32_t)__builtin_clzll(ns);
	slot = (msb - 3) * 16 + (uint32_t)(ns >> (msb - 4) & 15);
	return slot < SLOTS ? slot : SLOTS - 1;
}

static double slot_us(uint32_t slot)
{
	if (slot < 16)
		return slot / 1e3;
	return (double)((UINT64_C(16) + slot % 16) << (slot / 16 - 1)) / 1e3;
}

// A header field's line, by its name; "" without one.
static void copy_line(char *out, size_t room, const char *text, const char *name)
{
	const char *at = strcasestr(text, name);
	size_t used = strlen(out), len;

	if (at == NULL)
		return;
	len = strcspn(at + 2, "\r") + 4;
	if (used + len < room)
		strncat(out, at, len);
}

// Health probes want an answer, or the proxy takes the sink for dead.
static void answer_options(int fd, const char *text, const struct sockaddr_in *to)
{
	char reply[MESSAGE_ROOM] = "SIP/2.0 200 OK";
	const char *const names[] = {
		"\r\nVia:", "\r\nFrom:", "\r\nTo:", "\r\nCall-ID:", "\r\nCSeq:"};

	for (unsigned int i = 0; i < 5; i++) {
		copy_line(reply, sizeof(reply) - 64, text, names[i]);
		// A line was copied with both of its line ends.
		if (strlen(reply) > 2 && strcmp(reply + strlen(reply) - 2, "\r\n") == 0)
			reply[strlen(reply) - 2] = '\0';
	}
	strcat(reply, "\r\nContent-Length: 0\r\n\r\n");
	sendto(fd, reply, strlen(reply), 0, (const struct sockaddr *)to, sizeof(*to));
	seen.options++;
}

static void take_message(unsigned int sink, char *text, size_t len, const struct sockaddr_in *from)
{
	const char *load;
	uint64_t call, sent, now = now_ns();

	text[len] = '\0';
	if (memcmp(text, "OPTIONS ", 8) == 0) {
		answer_options(sinks[sink], text, from);
		return;
	}
	load = memcmp(text, "INVITE ", 7) == 0 ? memmem(text, len, "X-Load: ", 8) : NULL;
	if (load == NULL || (size_t)(text + len - load) < 8 + 33)
		return;
	call = get_hex(load + 8);
	sent = get_hex(load + 8 + 17);
	seen.latency[slot_of(now - sent)]++;
	if (seen.mapping && call < CALLS_MAX)
		seen.map[call] = (char)('a' + sink);
	__atomic_store_n(&seen.received, seen.received + 1, __ATOMIC_RELEASE);
}

static void *receive(void *arg)
{
	static struct message room[BATCH];
	struct sockaddr_in from[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct pollfd fds[SINKS_MAX];

	for (unsigned int i = 0; i < BATCH; i++)
		iov[i] = (struct iovec){room[i].octets, MESSAGE_ROOM - 1};
	while (!__atomic_load_n(&seen.stop, __ATOMIC_RELAXED)) {
		for (unsigned int i = 0; i < nb_sinks; i++)
			fds[i] = (struct pollfd){
				__atomic_load_n(&sinks[i], __ATOMIC_RELAXED), POLLIN, 0};
		if (poll(fds, nb_sinks, 50) <= 0)
			continue;
		for (unsigned int s = 0; s < nb_sinks; s++) {
			int nb = 0;

			if ((fds[s].revents & POLLIN) == 0)
				continue;
			for (unsigned int i = 0; i < BATCH; i++)
				msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
					.msg_iovlen = 1,
					.msg_name = &from[i],
					.msg_namelen = sizeof(from[i])};
			nb = recvmmsg(fds[s].fd, msgs, BATCH, MSG_DONTWAIT, NULL);
			for (int i = 0; i < nb; i++)
				take_message(s, room[i].octets, msgs[i].msg_len, &from[i]);
		}
	}
	return arg;
}

// The next calls, from one source. Returns how many the kernel took.
static int send_calls(struct source *s, uint64_t first, unsigned int nb, unsigned int cseq)
{
	static struct message room[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint64_t now = now_ns();
	char number[8];
	int sent;

	snprintf(number, sizeof(number), "%04u", cseq % 10000);
	for (unsigned int i = 0; i < nb; i++) {
		char *text = room[i].octets;

		memcpy(text, s->text, MESSAGE_LEN);
		put_hex(text + s->branch, mix(first + i + 77 * cseq));
		put_hex(text + s->call_id, mix(first + i));
		memcpy(text + s->cseq, number, 4);
		put_hex(text + s->load, first + i);
		put_hex(text + s->load + 17, now);
		iov[i] = (struct iovec){text, MESSAGE_LEN};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	sent = sendmmsg(s->fd, msgs, nb, 0);
	return sent < 0 ? 0 : sent;
}

struct result {
	uint64_t sent, refused, received;
	double seconds;
};

// Where the sender is late by more than this, it does not catch up: a burst after a pause is not
// the rate that was asked for.
#define LATE_NS 3000000

// Send at a rate until `max` messages or the time is over, then wait for what is still on its way.
static struct result send_paced(
	double rate, double seconds, uint64_t max, uint64_t first, unsigned int cseq)
{
	struct result r = {0};
	uint64_t start, now, quiet, received, tried = 0, skipped_ns = 0;
	unsigned int source = 0;

	seen.received = 0;
	memset(seen.latency, 0, sizeof(seen.latency));
	start = now_ns();
	while ((now = now_ns()) - start < (uint64_t)(seconds * 1e9) && tried < max) {
		uint64_t due = (uint64_t)((double)(now - start - skipped_ns) * rate / 1e9) + 1;
		unsigned int nb = (unsigned int)(due - tried < BATCH ? due - tried : BATCH);
		double late_ns = due > tried ? (double)(due - tried) * 1e9 / rate : 0;
		int sent;

		if (nb == BATCH && late_ns > LATE_NS) {
			uint64_t allowed = (uint64_t)(LATE_NS * rate / 1e9);

			skipped_ns += (uint64_t)late_ns - LATE_NS;
			nb = (unsigned int)(allowed < BATCH ? allowed : BATCH);
		}

		if (due <= tried) {
			sched_yield(); // a sleep would last longer than what there is to wait
			continue;
		}
		if (nb > max - tried)
			nb = (unsigned int)(max - tried);
		sent = send_calls(&sources[source++ % SOCKETS], first + tried, nb, cseq);
		tried += nb;
		r.sent += (uint64_t)sent;
		r.refused += nb - (uint64_t)sent;
	}
	r.seconds = (double)(now_ns() - start) / 1e9;
	quiet = now_ns();
	received = 0;
	while (now_ns() - quiet < SETTLE_NS) {
		const struct timespec nap = {.tv_nsec = 5000000};
		uint64_t is = __atomic_load_n(&seen.received, __ATOMIC_ACQUIRE);

		if (is >= r.sent)
			break;
		if (is != received)
			quiet = now_ns();
		received = is;
		nanosleep(&nap, NULL);
	}
	r.received = __atomic_load_n(&seen.received, __ATOMIC_ACQUIRE);
	return r;
}

static double percentile(double share)
{
	uint64_t all = 0, sum = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		all += seen.latency[i];
	for (unsigned int i = 0; i < SLOTS; i++) {
		sum += seen.latency[i];
		if (sum > 0 && (double)sum >= share * (double)all)
			return slot_us(i + 1);
	}
	return 0;
}

static void command_run(double rate, double seconds)
{
	static uint64_t next = UINT64_C(1) << 32; // never a call of a map
	struct result r;

	if (rate < 1 || rate > RATE_MAX || seconds <= 0 || seconds > SECONDS_MAX) {
		puts("{\"error\": \"out of range\"}");
		return;
	}
	r = send_paced(rate, seconds, UINT64_MAX, next, 1000);
	next += r.sent + r.refused;
	printf("{\"rate\": %.0f, \"sent\": %lu, \"refused\": %lu, \"received\": %lu, "
	       "\"seconds\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f}\n",
		rate, r.sent, r.refused, r.received, r.seconds, percentile(0.5), percentile(0.99),
		percentile(0.999));
}

static void command_map(unsigned int calls, unsigned int cseq)
{
	if (calls == 0 || calls > CALLS_MAX) {
		puts("{\"error\": \"out of range\"}");
		return;
	}
	memset(seen.map, '.', sizeof(seen.map));
	seen.mapping = true;
	send_paced(MAP_RATE, SECONDS_MAX, calls, 0, cseq);
	seen.mapping = false;
	printf("{\"map\": \"%.*s\"}\n", (int)calls, seen.map);
}

static void command_close(unsigned int sink)
{
	int fd;

	if (sink >= nb_sinks || sinks[sink] < 0) {
		puts("{\"error\": \"no such sink\"}");
		return;
	}
	fd = sinks[sink];
	__atomic_store_n(&sinks[sink], -1, __ATOMIC_RELAXED);
	usleep(100000); // the receiver has let go of it
	close(fd);
	puts("{\"closed\": true}");
}

static void usage(void)
{
	fputs("usage: loadgen NS,ADDRESS TARGET-ADDRESS,PORT SINK-NS,ADDRESS,PORT...\n", stderr);
	exit(2);
}

static const char *part(char **text)
{
	const char *p = strsep(text, ",");

	if (p == NULL)
		usage();
	return p;
}

int main(int argc, char **argv)
{
	struct sockaddr_in target = {.sin_family = AF_INET};
	const char *ns, *address;
	char line[128];
	pthread_t thread;
	unsigned int a, b;
	double rate, seconds;

	if (argc < 4 || argc - 3 > SINKS_MAX)
		usage();
	ns = part(&argv[1]);
	address = part(&argv[1]);
	if (inet_pton(AF_INET, part(&argv[2]), &target.sin_addr) != 1)
		usage();
	target.sin_port = htons((uint16_t)atoi(part(&argv[2])));
	for (int i = 3; i < argc; i++) {
		const char *sink_ns = part(&argv[i]), *sink = part(&argv[i]);

		sinks[nb_sinks++] = socket_in(sink_ns, sink, (uint16_t)atoi(part(&argv[i])));
	}
	for (unsigned int i = 0; i < SOCKETS; i++)
		make_source(&sources[i], i, ns, address, &target);
	if (pthread_create(&thread, NULL, receive, NULL) != 0)
		die("thread");
	puts("{\"ready\": true}");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL && strncmp(line, "quit", 4) != 0) {
		if (sscanf(line, "run %lf %lf", &rate, &seconds) == 2)
			command_run(rate, seconds);
		else if (sscanf(line, "map %u %u", &a, &b) == 2)
			command_map(a, b);
		else if (sscanf(line, "close %u", &a) == 1)
			command_close(a);
		else
			puts("{\"error\": \"unknown command\"}");
		fflush(stdout);
	}
	__atomic_store_n(&seen.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return 0;
}
