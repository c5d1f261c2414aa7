// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_BUILD_SNAPSHOT_H
#define TESTS_DISPATCH_BUILD_SNAPSHOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dispatch/snapshot.h"

// A fixture's snapshot in fresh memory; free() it. Ends the program when it cannot be built.
static inline struct snapshot *build_snapshot(const struct snapshot_input *in)
{
	size_t size = snapshot_build_size(in);
	struct snapshot *snap = size != 0 ? aligned_alloc(64, (size + 63) & ~(size_t)63) : NULL;
	const char *why = "it cannot be built";

	if (snap != NULL) {
		memset(snap, 0, size);
		if (snapshot_build(in, snap, size) == 0 && snapshot_validate(snap, size, &why) == 0)
			return snap;
	}
	fprintf(stderr, "a fixture breaks a rule of snapshots: %s\n", why);
	abort();
}

#endif
