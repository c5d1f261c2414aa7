// SPDX-License-Identifier: BSD-3-Clause
#include "config/errors.h"

#include <stdlib.h>
#include <string.h>

static void error_fini(struct config_error *error)
{
	free(error->file);
	free(error->path);
	free(error->message);
}

bool errors_full(const struct config_errors *errs)
{
	return errs->nb_items == CONFIG_ERRORS_MAX;
}

void errors_add(struct config_errors *errs, const char *file, struct mark mark, const char *path,
	const char *message)
{
	struct config_error error;

	for (uint32_t i = 0; i < errs->nb_items; i++) {
		const struct config_error *e = &errs->items[i];

		if (e->line == mark.line && e->column == mark.column && !strcmp(e->path, path) &&
			!strcmp(e->message, message))
			return;
	}
	if (errs->items == NULL)
		errs->items = calloc(CONFIG_ERRORS_MAX, sizeof(*errs->items));
	if (errs->items == NULL || errors_full(errs)) {
		errs->nb_dropped++;
		return;
	}
	error = (struct config_error){
		.file = strdup(file),
		.line = mark.line,
		.column = mark.column,
		.path = strdup(path),
		.message = strdup(message),
	};
	if (error.file == NULL || error.path == NULL || error.message == NULL) {
		error_fini(&error);
		errs->nb_dropped++;
		return;
	}
	errs->items[errs->nb_items++] = error;
}

static int compare_errors(const void *a, const void *b)
{
	const struct config_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->path, y->path);
}

void errors_sort(struct config_errors *errs)
{
	if (errs->nb_items > 0)
		qsort(errs->items, errs->nb_items, sizeof(*errs->items), compare_errors);
}

int config_error_format(const struct config_error *error, char *buf, size_t size)
{
	const char *colon = error->path[0] != '\0' ? ": " : "";

	if (error->line == 0)
		return snprintf(
			buf, size, "%s: %s%s%s", error->file, error->path, colon, error->message);
	return snprintf(buf, size, "%s:%u:%u: %s%s%s", error->file, error->line, error->column,
		error->path, colon, error->message);
}

void config_errors_print(FILE *out, const struct config_errors *errs)
{
	for (uint32_t i = 0; i < errs->nb_items; i++) {
		const struct config_error *e = &errs->items[i];
		const char *colon = e->path[0] != '\0' ? ": " : "";

		fprintf(out, "%s:", e->file);
		if (e->line != 0)
			fprintf(out, "%u:%u:", e->line, e->column);
		fprintf(out, " %s%s%s\n", e->path, colon, e->message);
	}
	if (errs->nb_dropped > 0)
		fprintf(out, "and %u more errors\n", errs->nb_dropped);
}

void config_errors_fini(struct config_errors *errs)
{
	for (uint32_t i = 0; i < errs->nb_items; i++)
		error_fini(&errs->items[i]);
	free(errs->items);
	*errs = (struct config_errors){0};
}
