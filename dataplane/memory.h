// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_MEMORY_H
#define DATAPLANE_MEMORY_H

#include <stddef.h>

// Large tables in anonymous memory, zeroed, in huge pages where the kernel has them. Not EAL's
// memory, which is for packets: no reload may use that up.

// Returns NULL when there is none.
void *memory_map(size_t size);
// `memory` may be NULL.
void memory_unmap(void *memory, size_t size);

#endif
