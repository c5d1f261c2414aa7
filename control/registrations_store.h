// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REGISTRATIONS_STORE_H
#define CONTROL_REGISTRATIONS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dispatch/addr.h"
#include "parser/strv.h"

// The bindings of the cluster: AoR -> contacts (RFC 3261 section 10), with the backend that holds
// each and the flow that it was registered over. Learned from what this node's dataplane saw and
// from the other nodes through Redis. Redis is a means of telling the others, not the store:
// without it the bindings of this node are known, and the last ones of the others until they
// expire.
//
// One thread: the event loop's.

struct event_base;
struct redis;
struct registrations_store;

#define REGISTRATIONS_AOR_MAX 768 // octets of user and host
#define REGISTRATIONS_CONTACT_MAX 1024
#define REGISTRATIONS_CONTACTS_MAX 32 // of one AoR

// Strings are copied.
struct registrations_options {
	const char *cluster;
	const char *node; // this one's name
	uint32_t max; // bindings held
	uint32_t resync_ms; // between two comparisons with Redis; 0: the default of redis_map
};

struct registrations_callbacks {
	// The backend of an AoR is another one or holds it for longer; lifetime_s 0: it has none
	// now.
	void (*on_binding)(void *arg, struct strv user, struct strv host, uint32_t backend_id,
		uint32_t lifetime_s);
	void (*on_error)(void *arg, const char *text); // Redis refused something
};

// What a 2xx to REGISTER said about one Contact.
struct registrations_event {
	struct strv user, host; // of the AoR; the host in any case
	struct strv contact; // URI; empty: all bindings of the AoR are gone
	uint32_t backend_id;
	struct strv backend; // "service/backend"
	uint32_t expires_s; // 0: this binding is gone
	uint16_t listener_id;
	struct endpoint flow;
};

// One binding, for display. Valid during the call that hands it out.
struct registration {
	struct strv user, host, contact;
	uint32_t backend_id;
	const char *backend; // "service/backend"
	struct endpoint flow;
	uint16_t listener_id;
	double expires_s; // from now
	const char *node; // that learned it last
	bool stale; // another node's, and Redis cannot tell us what became of it
};

struct registrations_stats {
	uint32_t nb; // bindings that have not expired
	uint32_t nb_deleted; // kept to tell the others
	uint32_t nb_dirty; // to be written
	uint64_t learned; // events of this node
	uint64_t refused; // ... for which there was no room
	uint64_t writes; // values sent to Redis
	uint64_t remote; // values taken over from Redis
	uint64_t malformed; // values in Redis that are none
};

// Returns NULL and errno ENOMEM.
struct registrations_store *registrations_store_create(struct event_base *base,
	const struct registrations_options *options,
	const struct registrations_callbacks *callbacks, void *arg);
// The client given to registrations_store_set_redis() must be gone.
void registrations_store_destroy(struct registrations_store *r);

// A smaller limit takes nothing away.
void registrations_store_set_max(struct registrations_store *r, uint32_t max);

// The client to share through, or NULL. Pass on what its on_up and on_down say.
void registrations_store_set_redis(struct registrations_store *r, struct redis *redis);
void registrations_store_redis_up(struct registrations_store *r);
void registrations_store_redis_down(struct registrations_store *r);

// Returns 0, -ENOSPC (too many bindings, or contacts of one AoR), -EINVAL (lengths) or -ENOMEM.
int registrations_store_learn(
	struct registrations_store *r, const struct registrations_event *event);

// Call on_binding() for every AoR: a dataplane has started anew.
void registrations_store_push_all(struct registrations_store *r);

// Return false from fn to stop.
typedef bool registrations_fn(const struct registration *registration, void *arg);
void registrations_store_each(const struct registrations_store *r, registrations_fn *fn, void *arg);
// Those of one AoR; returns how many there are. fn may be NULL.
uint32_t registrations_store_find(const struct registrations_store *r, struct strv user,
	struct strv host, registrations_fn *fn, void *arg);

struct registrations_stats registrations_store_stats(const struct registrations_store *r);
// Seconds since what the other nodes know was last complete; 0: it is, or there is no Redis.
double registrations_store_stale_s(const struct registrations_store *r);

#endif
