// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_RESOLVE_H
#define CONTROL_RESOLVE_H

#include "control/control.h"
#include "dataplane/ipc.h"

// Names that backends send requests to (RFC 3263): /etc/hosts, then A and AAAA records by the
// host's resolver configuration. No NAPTR and no SRV: what has no port goes to 5060. The dataplane
// keeps the answers for as long as they are good. Every function tolerates resolve == NULL.

struct resolve;

// `nameserver`: "192.0.2.53:53" instead of /etc/resolv.conf, or NULL. NULL and errno.
struct resolve *resolve_create(struct control *control, const char *nameserver);
void resolve_destroy(struct resolve *resolve);
// Read /etc/resolv.conf again.
void resolve_reload(struct resolve *resolve);

// Find out and answer with IPC_NAME, also when it leads nowhere.
void resolve_on_event(struct resolve *resolve, const struct ipc_event_resolve *event);

// Look into a hosts(5) file. Return 0 or -ENOENT. `families` as in struct ipc_event_resolve.
int resolve_in_hosts(const char *path, const char *host, uint8_t families, struct ip_addr *ip);

#endif
