// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/publish.h"

#include "dataplane/cksum.h"
#include "dataplane/memory.h"

#include <rte_common.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TTL 64

static uint32_t owned_slot(const struct published *published, const struct ip_addr *ip)
{
	return snapshot_hash_ip(ip) & published->owned_mask;
}

bool published_owns(const struct published *published, const struct ip_addr *ip)
{
	uint32_t slot = owned_slot(published, ip);

	// At most half full: an empty slot ends every chain.
	for (; published->owned[slot] != SNAPSHOT_NONE; slot = (slot + 1) & published->owned_mask)
		if (ip_addr_eq(
			    &snapshot_listener(published->snap, published->owned[slot])->local.ip,
			    ip))
			return true;
	return false;
}

static int index_owned(struct published *published)
{
	const struct snapshot *snap = published->snap;
	uint32_t slots = rte_align32pow2(2 * snap->listeners.nb + 2);

	published->owned = malloc(slots * sizeof(*published->owned));
	if (published->owned == NULL)
		return -ENOMEM;
	published->owned_mask = slots - 1;
	for (uint32_t i = 0; i < slots; i++)
		published->owned[i] = SNAPSHOT_NONE;

	for (uint16_t i = 0; i < snap->listeners.nb; i++) {
		const struct ip_addr *ip = &snapshot_listener(snap, i)->local.ip;
		uint32_t slot = owned_slot(published, ip);

		if (published_owns(published, ip))
			continue;
		while (published->owned[slot] != SNAPSHOT_NONE)
			slot = (slot + 1) & published->owned_mask;
		published->owned[slot] = i;
	}
	return 0;
}

static void add_ingress(struct published *published, uint16_t i)
{
	const struct snapshot_listener *listener = snapshot_listener(published->snap, i);
	const rte_be16_t port = rte_cpu_to_be_16(listener->local.port);
	struct ingress *place;
	uint64_t key = 0;

	memcpy(&key, listener->local.ip.octets, 4);
	memcpy((char *)&key + 6, &port, sizeof(port));
	place = &published->ingress[published_ingress(published, key) - published->ingress];
	// Of two listeners on one address, snapshot_find_listener() takes the first as well.
	if (place->key != 0)
		return;
	*place = (struct ingress){
		.key = key,
		.listener = i,
		.service_slot = snapshot_service(published->snap, listener->service)->counter,
		.port = listener->port,
	};
}

static void make_egress(struct published *published, uint16_t i)
{
	const struct snapshot_listener *listener = snapshot_listener(published->snap, i);
	const struct endpoint *local = &listener->local;
	const struct rte_ipv4_hdr v4 = {
		.version_ihl = RTE_IPV4_VHL_DEF, .time_to_live = TTL, .next_proto_id = IPPROTO_UDP};
	const struct rte_ipv6_hdr v6 = {
		.vtc_flow = RTE_BE32(6u << 28), .proto = IPPROTO_UDP, .hop_limits = TTL};
	const struct rte_udp_hdr udp = {.src_port = rte_cpu_to_be_16(local->port)};
	size_t addr_len = local->ip.family == 4 ? 4 : 16;
	struct egress *e = &published->egress[i];

	*e = (struct egress){
		.udp_sum = cksum_fold(cksum_add(RTE_BE16(IPPROTO_UDP), local->ip.octets, addr_len)),
		.service_slot = snapshot_service(published->snap, listener->service)->counter,
		.family = local->ip.family,
	};
	if (local->ip.family == 4) {
		memcpy(e->headers, &v4, sizeof(v4));
		memcpy(e->headers + offsetof(struct rte_ipv4_hdr, src_addr), local->ip.octets, 4);
		memcpy(e->headers + sizeof(v4), &udp, sizeof(udp));
		e->ip_sum = cksum_fold(cksum_add(0, e->headers, sizeof(v4)));
	} else {
		memcpy(e->headers, &v6, sizeof(v6));
		memcpy(e->headers + offsetof(struct rte_ipv6_hdr, src_addr), local->ip.octets, 16);
		memcpy(e->headers + sizeof(v6), &udp, sizeof(udp));
	}
}

// May what comes in on this listener be refused for where it comes from?
static bool is_guarded(const struct snapshot *snap, uint16_t i)
{
	const struct snapshot_listener *listener = snapshot_listener(snap, i);

	return listener->nb_acl_allow != 0 || listener->nb_acl_deny != 0 ||
		snapshot_service(snap, listener->service)->source_rate != 0;
}

// What classify and tx need of listeners, as frames have it.
static int prepare_headers(struct published *published)
{
	const struct snapshot *snap = published->snap;
	uint32_t slots = rte_align32pow2(2 * snap->listeners.nb + 2);

	published->ingress = calloc(slots, sizeof(*published->ingress));
	published->ingress_mask = slots - 1;
	published->egress = aligned_alloc(
		RTE_CACHE_LINE_SIZE, (snap->listeners.nb + 1) * sizeof(*published->egress));
	if (published->ingress == NULL || published->egress == NULL)
		return -ENOMEM;
	for (uint16_t i = 0; i < snap->listeners.nb; i++) {
		if (snapshot_listener(snap, i)->local.ip.family == 4)
			add_ingress(published, i);
		make_egress(published, i);
		published->guarded |= is_guarded(snap, i);
	}
	return 0;
}

// Counters are arrays in shared memory: a slot outside would be a write outside.
static const char *check_slots(const struct snapshot *snap)
{
	for (uint16_t i = 0; i < snap->services.nb; i++)
		if (snapshot_service(snap, i)->counter >= IPC_SERVICE_SLOTS)
			return "counter slot of a service";
	for (uint16_t i = 0; i < snap->backends.nb; i++)
		if (snapshot_backend(snap, i)->counter >= IPC_BACKEND_SLOTS)
			return "counter slot of a backend";
	return NULL;
}

// Takes over `memory`, which holds the blob.
static struct published *from_memory(
	void *memory, size_t len, const struct backend_bits *bits, const char **why)
{
	struct published *published = NULL;
	int ret = snapshot_validate(memory, len, why);

	if (ret == 0 && (*why = check_slots(memory)) != NULL)
		ret = -EBADMSG;
	if (ret != 0)
		goto unmap;

	*why = "out of memory";
	ret = -ENOMEM;
	published = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*published), RTE_CACHE_LINE_SIZE));
	if (published == NULL)
		goto unmap;
	*published = (struct published){.snap = memory, .mapped = len};
	if (bits != NULL)
		published->bits = *bits;
	else
		memset(&published->bits, 0xff, sizeof(published->bits));
	published->routes = route_table_create(published->snap);
	if (published->routes == NULL || index_owned(published) != 0 ||
		prepare_headers(published) != 0) {
		published_destroy(published);
		errno = ENOMEM;
		return NULL;
	}
	*why = NULL;
	return published;

unmap:
	memory_unmap(memory, len);
	errno = -ret;
	return NULL;
}

struct published *published_from_blob(
	const void *blob, size_t len, const struct backend_bits *bits, const char **why)
{
	void *memory = memory_map(len);

	if (memory == NULL) {
		*why = "out of memory";
		return NULL;
	}
	memcpy(memory, blob, len);
	return from_memory(memory, len, bits, why);
}

static int read_all(int fd, void *to, size_t len, uint64_t off)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)to + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		done += (size_t)n;
	}
	return 0;
}

struct published *published_create(
	int fd, const struct ipc_snapshot *msg, uint32_t nb_ports, const char **why)
{
	struct published *published;
	struct backend_bits *bits;
	struct stat st;
	void *memory;

	*why = "not the memfd of a snapshot";
	errno = EBADMSG;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
		msg->blob_len < sizeof(struct snapshot) || msg->blob_len > SNAPSHOT_SIZE_MAX ||
		msg->blob_len > (uint64_t)st.st_size || msg->bits_off > (uint64_t)st.st_size ||
		(uint64_t)st.st_size - msg->bits_off < sizeof(*bits))
		return NULL;

	*why = "out of memory";
	bits = malloc(sizeof(*bits));
	memory = memory_map(msg->blob_len);
	if (bits == NULL || memory == NULL) {
		free(bits);
		memory_unmap(memory, msg->blob_len);
		errno = ENOMEM;
		return NULL;
	}
	// Copied before it is checked, so whoever could still write to the memfd gains nothing.
	if (read_all(fd, memory, msg->blob_len, 0) != 0 ||
		read_all(fd, bits, sizeof(*bits), msg->bits_off) != 0)
		memset(memory, 0, sizeof(struct snapshot));
	published = from_memory(memory, msg->blob_len, bits, why);
	free(bits);
	if (published != NULL &&
		(published->snap->ports.nb > nb_ports ||
			published->snap->generation != msg->generation)) {
		*why = published->snap->ports.nb > nb_ports ? "a port that does not run"
							    : "generation";
		published_destroy(published);
		errno = EBADMSG;
		return NULL;
	}
	return published;
}

void published_destroy(struct published *published)
{
	if (published == NULL)
		return;
	route_table_destroy(published->routes);
	free(published->owned);
	free(published->ingress);
	free(published->egress);
	memory_unmap((void *)(uintptr_t)published->snap, published->mapped);
	free(published);
}

static void set_bit(uint64_t *words, uint16_t backend, bool value)
{
	uint64_t word = words[backend / 64], bit = RTE_BIT64(backend % 64);

	__atomic_store_n(&words[backend / 64], value ? word | bit : word & ~bit, __ATOMIC_RELAXED);
}

void published_set_bits(struct published *published, const struct ipc_bits *msg)
{
	if (msg->generation != published->snap->generation)
		return;
	for (uint32_t i = 0; i < msg->nb; i++) {
		uint16_t backend = msg->entries[i].backend;

		if (backend >= published->snap->backends.nb)
			continue;
		set_bit(published->bits.fresh, backend, msg->entries[i].fresh);
		set_bit(published->bits.pinned, backend, msg->entries[i].pinned);
	}
}

void publisher_swap(struct publisher *publisher, struct published *published)
{
	struct published *old = publisher->current;

	__atomic_store_n(&publisher->current, published, __ATOMIC_RELEASE);
	if (old == NULL)
		return;
	old->token = publisher->qsbr != NULL ? rte_rcu_qsbr_start(publisher->qsbr) : 0;
	old->next_retired = publisher->retired;
	publisher->retired = old;
}

bool publisher_reclaim(struct publisher *publisher)
{
	struct published **link = &publisher->retired;

	while (*link != NULL) {
		struct published *old = *link;

		if (publisher->qsbr != NULL &&
			rte_rcu_qsbr_check(publisher->qsbr, old->token, false) != 1) {
			link = &old->next_retired;
			continue;
		}
		*link = old->next_retired;
		published_destroy(old);
	}
	return publisher->retired == NULL;
}

void publisher_fini(struct publisher *publisher)
{
	publisher->qsbr = NULL;
	publisher_reclaim(publisher);
	published_destroy(publisher->current);
	publisher->current = NULL;
}
