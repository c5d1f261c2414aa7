// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_NEXT_VIA_H
#define DISPATCH_NEXT_VIA_H

#include "parser/sip_msg.h"

// The Via below the topmost in a response, and the octets to take out to get rid of the topmost.
// Of *next only what routes a response is set: sent-by, host, port, branch, received, rport.
// Returns false when there is none that can be parsed.
bool next_via(const struct sip_msg *msg, struct sip_via *next, struct sip_slice *ours);

#endif
