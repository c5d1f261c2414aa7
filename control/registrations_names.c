// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations_names.h"

#include "dataplane/dispatch/siphash.h"

#include <stdlib.h>

const struct name *names_intern(struct names *names, struct strv text)
{
	struct name **bucket = &names->buckets[siphash13(names->key, text.ptr, text.len) & 255];
	struct name *name;

	for (name = *bucket; name != NULL; name = name->next)
		if (strv_eq((struct strv){name->text, name->len}, text))
			return name;
	if (names->nb == REGISTRATIONS_NAMES_MAX)
		return NULL;
	name = malloc(sizeof(*name) + text.len + 1);
	if (name == NULL)
		return NULL;
	name->len = text.len;
	memcpy(name->text, text.ptr, text.len);
	name->text[text.len] = '\0';
	name->next = *bucket;
	*bucket = name;
	names->nb++;
	return name;
}

void names_fini(struct names *names)
{
	for (uint32_t i = 0; i < 256; i++) {
		struct name *name, *next;

		for (name = names->buckets[i]; name != NULL; name = next) {
			next = name->next;
			free(name);
		}
		names->buckets[i] = NULL;
	}
	names->nb = 0;
}
