// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include "config/config.h"
#include "config/strbuf.h"

// Secrets stand in files of their own, never in the configuration.
//
// A secret file is a regular file of at most 4096 octets that belongs to root or to this process
// and that no one else may read. systemd's LoadCredential= files, which carry an ACL, pass as well.

// Read a key of 32 hexadecimal digits.
// Returns 0, or -EINVAL with the reason appended to *why.
int secret_read_key(const char *path, uint8_t key[CONFIG_KEY_SIZE], struct strbuf *why);

// Read the first line. The result is to be freed with secret_free().
// Returns 0, -ENOMEM, or -EINVAL with the reason appended to *why.
int secret_read_line(const char *path, char **line, struct strbuf *why);

void secret_free(char *line);

#endif
