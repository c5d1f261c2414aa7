// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_SIZE ((size_t)2 << 20)

static size_t round_up(size_t size)
{
	return (size + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
}

// The kernel gives huge pages to a range only where it is aligned to them: map more, cut the rest.
void *memory_map(size_t size)
{
	size_t want = round_up(size), total = want + HUGE_SIZE;
	char *base, *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	memory = (char *)round_up((uintptr_t)base);
	if (memory != base)
		munmap(base, (size_t)(memory - base));
	if (memory + want != base + total)
		munmap(memory + want, (size_t)(base + total - (memory + want)));
	madvise(memory, want, MADV_HUGEPAGE);
	return memory;
}

void memory_unmap(void *memory, size_t size)
{
	if (memory != NULL)
		munmap(memory, round_up(size));
}
