// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dispatch/text_kernel.h"

#include "dataplane/dispatch/next_hdr.h"
#include "dataplane/dispatch/text.h"

static bool same(const char *a, const char *b, size_t len)
{
	return text_same(a, b, len);
}

static const char *find(const char *p, char c, size_t len)
{
	return text_find(p, c, len);
}

static unsigned int next(const struct sip_msg *msg, enum sip_hdr id, unsigned int i)
{
	return next_hdr(msg, id, i);
}

// The build gives it both names.
const struct text_kernel text_kernel = {TEXT_KERNEL, same, find, next};
