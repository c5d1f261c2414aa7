// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_REASSEMBLER_H
#define DATAPLANE_REASSEMBLER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dispatch/addr.h"
#include "dataplane/dispatch/decide.h"

// IP reassembly (RFC 791 section 3.2, RFC 8200 section 4.5) of datagrams for our listeners.
//
// Every fragment is copied into one large mbuf when it arrives: the datagram is contiguous when it
// is complete, which the parser needs, and no receive buffer is held meanwhile. Fragments come in
// any order; an exact duplicate is dropped alone, an overlap drops the datagram and all that
// follows of it (RFC 5722). Incomplete datagrams are bounded in time, in number, and per source
// address. When all are taken, the oldest makes room: parts of one datagram come close to each
// other, so a flood from forged addresses has to be fast to hurt, and one source cannot do it.
//
// One per worker; used by its worker only.

struct rte_mbuf;
struct rte_mempool;
struct reassembler;

#define REASSEMBLER_PARTS_MAX 8 // fragments of one datagram

// Octets of a datagram's IP payload at most: what the large mbufs are made for.
#define REASSEMBLER_PAYLOAD_MAX 16000
// Room that the pool's mbufs must have: headroom, Ethernet and IPv6 headers, payload, padding.
#define REASSEMBLER_DATA_ROOM (16 * 1024 + 512)

struct reassembler_options {
	struct rte_mempool *pool; // of mbufs with at least REASSEMBLER_DATA_ROOM
	uint32_t flows; // incomplete datagrams at once
	uint32_t per_source; // ... from one address, about: addresses share counters
	uint32_t max_parts; // fragments of one datagram; 0: REASSEMBLER_PARTS_MAX
	uint32_t timeout_ms;
	uint8_t key[16]; // random; the same in all workers, so that they agree on an owner
	int socket; // NUMA
};

// One fragment as it lies in its mbuf.
struct ip_fragment {
	struct rte_mbuf *mbuf;
	uint16_t l3; // offset of the IP header, in the first segment
	uint16_t data; // offset of the fragment's payload
	uint16_t len; // octets of payload
	uint16_t off; // where the payload stands in the datagram's
	bool more; // it is not the last one
	uint8_t protocol; // of the whole datagram's payload
	uint32_t id;
	struct ip_addr source, destination;
};

// Read the fragment in mbuf, whose Ethernet header ends at l3 and whose first segment holds the IP
// header (and, in IPv6, the Fragment header, which must follow it at once).
// Return 0; -ENOENT when it is no fragment; -EBADMSG when it cannot be one (its length, offset or
// flags contradict each other or the packet's size).
int ip_fragment_read(struct rte_mbuf *mbuf, uint16_t l3, struct ip_fragment *fragment);

// Returns NULL and rte_errno.
struct reassembler *reassembler_create(const struct reassembler_options *options);
// Frees the datagrams that are still incomplete.
void reassembler_destroy(struct reassembler *r);

// The keyed hash by which the fragments of one datagram meet.
uint64_t reassembler_hash(const uint8_t key[16], const struct ip_fragment *fragment);

// Take in one fragment. The caller frees fragment->mbuf whatever happens.
// Returns DROP_NONE and *whole: the complete datagram behind one Ethernet and IP header, checksum
// of the UDP payload not verified, the caller's to free; or NULL: wait for more. Otherwise the
// reason why the fragment is of no use.
enum drop_reason reassembler_add(struct reassembler *r, const struct ip_fragment *fragment,
	uint64_t now_ms, struct rte_mbuf **whole);

// Give up what is too old; looks at no more than 16 datagrams a call. Returns how many were given
// up.
uint32_t reassembler_expire(struct reassembler *r, uint64_t now_ms);

// Incomplete datagrams that made room so far.
uint64_t reassembler_evicted(const struct reassembler *r);

// Incomplete datagrams held now.
uint32_t reassembler_count(const struct reassembler *r);

#endif
