// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/acl.h"

#include "dataplane/dispatch/snapshot_internal.h"

// The address with all bits after the first `len` cleared.
static struct snapshot_prefix masked(const struct ip_addr *ip, uint8_t len)
{
	struct snapshot_prefix p = {.ip = *ip, .len = len};
	unsigned int octet = len / 8;

	if (octet < 16) {
		p.ip.octets[octet] &= (uint8_t)(0xff00 >> (len % 8));
		memset(p.ip.octets + octet + 1, 0, 15 - octet);
	}
	return p;
}

// The first of list[from .. nb) that does not come before `key`.
static uint16_t lower_bound(const struct snapshot_prefix *list, uint16_t from, uint16_t nb,
	const struct snapshot_prefix *key)
{
	uint16_t to = nb;

	while (from < to) {
		uint16_t middle = (uint16_t)(from + (to - from) / 2);

		if (snapshot_prefix_cmp(&list[middle], key) < 0)
			from = (uint16_t)(middle + 1);
		else
			to = middle;
	}
	return from;
}

// The length of the longest prefix of the list that covers ip, or -1. One binary search for each
// length that occurs in the list.
static int longest_match(const struct snapshot_prefix *list, uint16_t nb, const struct ip_addr *ip)
{
	uint16_t i = 0;

	while (i < nb) {
		struct snapshot_prefix key;

		// Longer than the family has bits: only IPv6 prefixes, which an IPv4 address skips.
		if (ip->family == 4 && list[i].len > 32) {
			key = (struct snapshot_prefix){.len = 32};
			i = lower_bound(list, i, nb, &key);
			continue;
		}
		key = masked(ip, list[i].len);
		i = lower_bound(list, i, nb, &key);
		if (i < nb && snapshot_prefix_cmp(&list[i], &key) == 0)
			return key.len;
		if (key.len == 0)
			break;
		// On to the next shorter length.
		if (i < nb && list[i].len == key.len) {
			key = (struct snapshot_prefix){.len = (uint8_t)(key.len - 1)};
			i = lower_bound(list, i, nb, &key);
		}
	}
	return -1;
}

bool acl_permits(const struct snapshot *snap, uint16_t listener, const struct ip_addr *ip)
{
	const struct snapshot_listener *l = snapshot_listener(snap, listener);
	const struct snapshot_prefix *acl = SNAPSHOT_AT(snap, acl, snapshot_prefix, 0);
	int allow, deny;

	if (l->nb_acl_allow == 0 && l->nb_acl_deny == 0)
		return true;
	allow = longest_match(acl + l->acl_allow, l->nb_acl_allow, ip);
	deny = longest_match(acl + l->acl_deny, l->nb_acl_deny, ip);
	if (allow < 0 && deny < 0)
		return l->nb_acl_allow == 0;
	return allow > deny;
}
