// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_NOTES_H
#define CONTROL_NOTES_H

#include "config/config.h"

// What a file may say but may not have meant.

// Call fn with each note, a sentence for people. Any thread; works without a daemon.
typedef void notes_fn(const char *text, void *arg);
void notes_make(const struct config *config, notes_fn *fn, void *arg);
// Only about backends whose load cannot follow their weight closely.
void notes_weights(const struct config *config, notes_fn *fn, void *arg);

#endif
