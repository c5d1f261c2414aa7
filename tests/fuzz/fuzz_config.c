// SPDX-License-Identifier: BSD-3-Clause
// Any octets as a configuration file: either a whole configuration or at least one error, and no
// other effect. Seeds: tests/config/full.yaml and the files of config/.
#include "config/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors errs = {0};
	struct config *config = config_parse("fuzz.yaml", (const char *)data, size, &errs);

	if ((config == NULL) != (errs.nb_items > 0))
		abort();
	if (config != NULL && config_diff_restart_keys(config, config, NULL, NULL) != 0)
		abort();
	config_destroy(config);
	config_errors_fini(&errs);
	return 0;
}
