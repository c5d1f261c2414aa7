// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_STATE_FILE_H
#define CONTROL_STATE_FILE_H

#include "control/control.h"

// What a control process leaves to its successor: the operator's overrides, and the health that a
// dataplane which runs on has seen applied. JSON, replaced as a whole, mode 0600.
//
// Every function tolerates control->state_file == NULL.

struct state_file;

struct state_file *state_file_create(struct control *control); // NULL and errno
// Writes what is not written yet.
void state_file_destroy(struct state_file *file);

// Take over overrides that are not older than admin.state_max_age and whose configured value is
// still the same. A missing file is fine, a damaged one is logged and ignored.
void state_file_load(struct control *control);
// The running dataplane is the one that the file was written for: what its backends were then, they
// are until our own probes know better. Call before its snapshot is adopted.
void state_file_restore_health(struct control *control);

// Something changed; written soon.
void state_file_save(struct control *control);

#endif
