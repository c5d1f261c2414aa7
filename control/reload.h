// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include <jansson.h>

#include "control/control.h"

// Reads the file again. An error of any kind leaves everything as it was. One after the other: what
// the second finds is what the first has made.

// The outcome, as docs/admin-protocol.md has it; fn owns it. May be called before reload_start()
// returns.
typedef void reload_fn(void *arg, json_t *outcome);

// fn may be NULL: then the outcome is only logged.
void reload_start(struct control *control, bool dry_run, reload_fn *fn, void *arg);

// Whoever asked went away: fn will not be called for this arg.
void reload_cancel(struct control *control, void *arg);

// "dataplane.workers" and so on, of the running against the started configuration.
json_t *reload_needs_restart_json(const struct control *control, bool keys_only);

// Ids of names that collide, as snapshot_build() would refuse them. Return 0, or -EEXIST and text.
int reload_check_ids(const struct config *config, char *text, size_t size);

#endif
