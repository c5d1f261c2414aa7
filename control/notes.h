// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_NOTES_H
#define CONTROL_NOTES_H

#include "config/config.h"

// What a file may say but may not have meant.

// Call fn with each note, a sentence for people. Any thread; works without a daemon.
typedef void notes_fn(const char *text, void *arg);
void notes_make(const struct config *config, notes_fn *fn, void *arg);
// About the step from one file to the next.
void notes_change(const struct config *from, const struct config *to, notes_fn *fn, void *arg);
// Only about backends whose load cannot follow their weight closely.
void notes_weights(const struct config *config, notes_fn *fn, void *arg);

#endif
