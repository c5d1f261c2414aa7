// SPDX-License-Identifier: BSD-3-Clause
// Any octets as a configuration file: either a whole configuration or at least one error, and no
// other effect.
#include "tests/fuzz/fuzz.h"

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_errors errs = {0};
	struct config *config = config_parse("fuzz.yaml", (const char *)data, len, &errs);

	if ((config == NULL) != (errs.nb_items > 0))
		fuzz_fail("neither a configuration nor an error, or both");
	if (config != NULL && config_diff_restart_keys(config, config, NULL, NULL) != 0)
		fuzz_fail("a configuration differs from itself");
	config_destroy(config);
	config_errors_fini(&errs);
	return 0;
}
