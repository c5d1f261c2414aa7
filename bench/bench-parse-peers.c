// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-parse-subjects.h"

#include <stddef.h>

const struct subject peer_subjects[] = {
#ifdef HAVE_SOFIA
	{"sofia-sip", NULL, bench_sofia_run, true},
#endif
#ifdef HAVE_OSIP
	{"libosip2", NULL, bench_osip_run, true},
#endif
#ifdef HAVE_RE
	{"libre", NULL, bench_re_run, true},
#endif
	{NULL, NULL, NULL, false},
};

void peers_init(void)
{
#ifdef HAVE_OSIP
	bench_osip_init();
#endif
}
