// SPDX-License-Identifier: BSD-3-Clause
// Prints the reference that stands in docs/configuration.md.
#include "config/schema.h"

#include <stdio.h>

int main(void)
{
	struct strbuf text = {0};

	schema_print_markdown(&text);
	fputs(strbuf_text(&text), stdout);
	strbuf_fini(&text);
	return 0;
}
