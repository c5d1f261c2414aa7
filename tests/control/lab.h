// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONTROL_LAB_H
#define TESTS_CONTROL_LAB_H

#include <jansson.h>
#include <stdbool.h>

#include "control/control.h"
#include "tests/control/fake_dataplane.h"

// A whole control process on the test's own loop, with a fake dataplane on the other side, in a
// directory of its own.

struct lab {
	char dir[64];
	char config_path[96];
	struct control control;
	struct fake_dataplane fake;
	bool has_fake;
};

// The backends of lab_default: access/b1 .. b3 at 10.20.1.11 .. 13, and edge/e1 at 10.20.1.21.
// Probes every 50 ms, rise 2, fall 2. Ports have no twins.
extern const char lab_default[];

// Write the file (NULL: lab_default; "@DIR@" in it is the lab's directory), load it, and start
// everything. Health probes are answered with 200.
void lab_start(struct lab *lab, const char *yaml);
// Only the directory, the file and the loaded configuration: no parts.
void lab_load(struct lab *lab, const char *yaml);
// The control process alone ends and starts again; the fake dataplane runs on.
void lab_restart_control(struct lab *lab);
void lab_stop(struct lab *lab);

// The fake dataplane goes away; one that runs nothing yet comes.
void lab_stop_dataplane(struct lab *lab);
void lab_start_dataplane(struct lab *lab);

// Replace the file.
void lab_write(struct lab *lab, const char *yaml);
// lab_default with `from` replaced by `to`, which must occur. A static buffer.
const char *lab_edit(const char *from, const char *to);

// Run the loop until fn says so, at most 30 s. Returns whether it did.
typedef bool lab_fn(struct lab *lab);
bool lab_until(struct lab *lab, lab_fn *fn);
void lab_run_ms(struct lab *lab, int ms);

bool lab_is_published(struct lab *lab); // a snapshot is
bool lab_is_up(struct lab *lab); // ... and every backend is up

struct backend *lab_backend(struct lab *lab, const char *path); // must exist
bool lab_fresh(struct lab *lab, const char *path); // as the dataplane has it
bool lab_pinned(struct lab *lab, const char *path);

// Ask the admin socket one thing; the answer is the caller's. `request` is the whole JSON text.
json_t *lab_ask(struct lab *lab, const char *request);
// {"schema":1,"command":[...]} from "backend set access/b1 drain".
json_t *lab_command(struct lab *lab, const char *words, const char *options);

#endif
