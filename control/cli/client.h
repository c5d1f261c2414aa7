// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/cli/cli.h"

// The admin socket of sipshunt-control (docs/admin-protocol.md) from the operator's side. Nothing
// here waits without an end, and nothing that comes back is believed: every field may be missing or
// of another type, and reads as NULL, 0 or "-" then.

#define CLIENT_LINE_MAX (UINT32_C(64) << 20) // octets of one answer

struct client;

// True if there is a socket that one may connect to, whoever listens.
bool client_is_there(const struct cli *cli);

// Connect. Returns CLI_DONE, or another status after saying why on stderr.
int client_open(const struct cli *cli, struct client **client);
void client_close(struct client *client);

// Send one request; takes both references. `words` is "backend set"; args are appended to it.
// `options` may be NULL. Returns CLI_DONE, or another status after saying why.
int client_send(struct client *client, const char *words, const struct cli *cli, json_t *options);

// Wait for the next object. Returns CLI_DONE, or another status after saying why; CLI_TIMED_OUT
// silently when `quiet`. *stop, if given, ends the wait with CLI_TIMED_OUT once it is not 0.
struct client_wait {
	uint64_t timeout_ms;
	bool quiet;
	const volatile int *stop;
};
int client_receive(struct client *client, const struct client_wait *wait, json_t **object);

// Check an answer's "ok". If refused: say why on stderr, print the answer itself if --json, and
// return the exit status that the daemon wants.
int client_check(const struct cli *cli, const json_t *answer);

// All of the above for one question. On CLI_DONE the caller owns *answer, else it is NULL.
int client_ask(const struct cli *cli, const char *words, json_t *options, json_t **answer);

// Print an answer as JSON, with "schema" whatever the daemon did.
void client_print_json(json_t *answer);

// ---- Fields of an answer ------------------------------------------------------------------------

const char *field_text(const json_t *object, const char *key); // NULL if not text
const char *field_text_or(const json_t *object, const char *key, const char *other);
double field_number(const json_t *object, const char *key); // 0 if not a number
bool field_is_number(const json_t *object, const char *key);
bool field_true(const json_t *object, const char *key);
uint64_t field_seconds(
	const json_t *object, const char *key); // whole ones; 0 if negative or absurd
int64_t field_integer(const json_t *object, const char *key);

// Octets from base64 (RFC 4648), to the heap; NULL when it is not base64.
char *field_octets(const json_t *object, const char *key, size_t *len);
// Base64 text of octets, to the heap.
char *base64_encode(const char *octets, size_t len);

#endif
