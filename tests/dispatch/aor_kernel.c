// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dispatch/aor_kernel.h"

#include "dataplane/dispatch/aor.h"

// The build gives it its name.
uint32_t aor_in_place_kernel(const struct sip_msg *msg, struct sip_slice uri)
{
	return aor_in_place(msg, uri);
}
