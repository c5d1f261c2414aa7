// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_ACL_H
#define DISPATCH_ACL_H

#include <stdbool.h>

#include "dataplane/dispatch/snapshot.h"

// May this address talk to this listener? The longest prefix of its two lists decides, deny on a
// tie. An address that no prefix covers is allowed, unless the listener has an allow list. Any
// thread.
bool acl_permits(const struct snapshot *snap, uint16_t listener, const struct ip_addr *ip);

#endif
