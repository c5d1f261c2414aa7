// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct cli *cli)
{
	if (cli->version) {
		printf("sipshunt " SIPSHUNT_VERSION "\n");
		return CLI_DONE;
	}
	if (cli->help) {
		cli_help(cli->typed);
		return CLI_DONE;
	}
	return cli->command->run(cli);
}

int main(int argc, char **argv)
{
	const char **args = calloc((size_t)argc + 1, sizeof(*args));
	char words[128];
	struct cli cli;
	int status;

	// Only for the width of characters: everything printed is UTF-8 whatever the terminal says.
	setlocale(LC_CTYPE, "C.UTF-8");
	if (args == NULL)
		return cli_fail(CLI_REFUSED, "out of memory");
	status = cli_parse(argc, argv, args, words, &cli);
	if (status == CLI_DONE)
		status = run(&cli);
	// A full disk must not look like an empty answer.
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE)
		status = cli_fail(CLI_REFUSED, "cannot write the answer: %s", strerror(errno));
	free(args);
	return status;
}
