// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"
#include "config/document.h"

// What no key can say for itself: names and addresses used twice, references, families that must
// meet. Values that the schema has refused are 0 or NULL here and are passed over.
//
// All errors go to the document's list. Returns 0 even then, or -ENOMEM.
int check_config(const struct config *config, struct document *doc);

// The part of check_config() for one service.
int check_service(const struct config *config, uint32_t i, struct document *doc);

// Refuse values that occur twice. `values` are in the order of the file.
struct check_value {
	char text[72]; // what must be unique; empty: passed over
	char path[96]; // where it is
};
void check_unique(struct check_value *values, size_t nb_values, struct document *doc);

// "10.20.1.11:5060" or "[2001:db8::1]:5060"; without the port if that is 0; empty if there is no
// address.
void check_format_addr(const struct config_addr *addr, uint16_t port, char *buf, size_t size);

// Whether it means nothing without an interface (RFC 4291 section 2.5.6).
bool check_is_link_local(const struct config_addr *addr);

#endif
