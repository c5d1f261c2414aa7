// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/columns.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "control/cli/text.h"

struct columns {
	const struct column *columns;
	unsigned int nb_columns;
	bool failed;
	char **cells;
	size_t nb_cells, size;
};

struct columns *columns_create(const struct column *list, unsigned int nb_columns)
{
	struct columns *columns = calloc(1, sizeof(*columns));

	if (columns == NULL)
		return NULL;
	columns->columns = list;
	columns->nb_columns = nb_columns;
	return columns;
}

void columns_destroy(struct columns *columns)
{
	if (columns == NULL)
		return;
	for (size_t i = 0; i < columns->nb_cells; i++)
		free(columns->cells[i]);
	free(columns->cells);
	free(columns);
}

void columns_add(struct columns *columns, const char *text)
{
	char *cell;

	if (columns == NULL || columns->failed)
		return;
	if (columns->nb_cells == columns->size) {
		size_t size = columns->size > 0 ? columns->size * 2 : 64;
		char **cells = realloc(columns->cells, size * sizeof(*cells));

		if (cells == NULL) {
			columns->failed = true;
			return;
		}
		columns->cells = cells;
		columns->size = size;
	}
	cell = text_escape_dup(strv_from(text != NULL && text[0] != '\0' ? text : "-"));
	if (cell == NULL) {
		columns->failed = true;
		return;
	}
	columns->cells[columns->nb_cells++] = cell;
}

void columns_addf(struct columns *columns, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0) {
		if (columns != NULL)
			columns->failed = true;
		return;
	}
	columns_add(columns, text);
	free(text);
}

static void print_padded(
	FILE *out, const char *text, unsigned int width, const struct column *column, bool last)
{
	unsigned int own = text_width(text);
	unsigned int padding = width > own ? width - own : 0;

	if (column->right)
		fprintf(out, "%*s%s", (int)padding, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : (int)padding, "");
	fputs(last ? "\n" : "  ", out);
}

static void print_tabs(const struct columns *columns, FILE *out)
{
	for (size_t i = 0; i < columns->nb_cells; i++) {
		fputs(columns->cells[i], out);
		fputc((i + 1) % columns->nb_columns == 0 ? '\n' : '\t', out);
	}
}

int columns_print(const struct columns *columns, FILE *out, bool header)
{
	unsigned int nb, *widths;

	if (columns == NULL || columns->failed)
		return -ENOMEM;
	if (!header) {
		print_tabs(columns, out);
		return 0;
	}
	nb = columns->nb_columns;
	widths = calloc(nb, sizeof(*widths));
	if (widths == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < nb; i++)
		widths[i] = text_width(columns->columns[i].title);
	for (size_t i = 0; i < columns->nb_cells; i++) {
		unsigned int width = text_width(columns->cells[i]);

		if (width > widths[i % nb])
			widths[i % nb] = width;
	}
	for (unsigned int i = 0; i < nb; i++)
		print_padded(out, columns->columns[i].title, widths[i], &columns->columns[i],
			i + 1 == nb);
	for (size_t i = 0; i < columns->nb_cells; i++)
		print_padded(out, columns->cells[i], widths[i % nb], &columns->columns[i % nb],
			i % nb + 1 == nb);
	free(widths);
	return 0;
}
