// SPDX-License-Identifier: BSD-3-Clause
#include "control/run.h"

#include "control/cli/cli.h"

#include <stddef.h>

// `sipshunt run`: the supervisor itself is control/run.c.
int cmd_run(struct cli *cli)
{
	struct run_options options = {
		.config_path = cli_value(cli, "config"),
		.dataplane = cli_value(cli, "dataplane"),
		.control = cli_value(cli, "control"),
	};

	if (options.config_path == NULL)
		return cli_fail(CLI_USAGE, "run: which configuration? sipshunt run -c FILE");
	return run_main(&options);
}
