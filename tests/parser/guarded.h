// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_PARSER_GUARDED_H
#define TESTS_PARSER_GUARDED_H

#include "parser/sip_msg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A copy of a message between two pages that cannot be read. Exactly SIP_PAD octets around it are
// readable, so one octet read too far crashes the test.
struct guarded {
	char *map;
	size_t map_len;
	char *buf;
	size_t len;
};

enum guard_side {
	GUARD_BEHIND,
	GUARD_BEFORE
};

static inline struct guarded guarded_new(
	const void *octets, size_t len, enum guard_side side, unsigned char pad)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (len + 2 * SIP_PAD + page - 1) / page * page;
	struct guarded g = {.map_len = room + 2 * page, .len = len};

	g.map = mmap(NULL, g.map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(g.map != MAP_FAILED);
	if (mprotect(g.map + page, room, PROT_READ | PROT_WRITE) != 0)
		abort();
	memset(g.map + page, pad, room);
	g.buf = side == GUARD_BEHIND ? g.map + page + room - SIP_PAD - len : g.map + page + SIP_PAD;
	if (len > 0)
		memcpy(g.buf, octets, len);
	return g;
}

static inline void guarded_free(struct guarded *g)
{
	munmap(g->map, g->map_len);
}

#endif
