// SPDX-License-Identifier: BSD-3-Clause
#include "control/bits.h"

#include "tests/control/suite.h"

#include <string.h>

// Three backends as letters: U up, F falling, D down, R rising, ? unknown, - not checked; then the
// admin states: r ready, d drain, m maint. Expected: f fresh and pinned, p pinned only, . neither.
static const struct {
	const char *health, *admin, *expected;
	enum config_all_down all_down;
	uint8_t panic;
	const char *why;
} cases[] = {
	{"UUU", "rrr", "fff", CONFIG_ALL_DOWN_REPLY_503, 0, "all is well"},
	{"UFD", "rrr", "ff.", CONFIG_ALL_DOWN_REPLY_503, 0, "falling is still used"},
	{"UUR", "rrr", "ff.", CONFIG_ALL_DOWN_REPLY_503, 0, "rising is not used yet"},
	{"UU?", "rrr", "ffp", CONFIG_ALL_DOWN_REPLY_503, 0, "unknown waits for its first probe"},
	{"???", "rrr", "fff", CONFIG_ALL_DOWN_REPLY_503, 0, "all unknown: all are used"},
	{"??D", "rrr", "pp.", CONFIG_ALL_DOWN_REPLY_503, 0, "not all are unknown"},
	{"??D", "rrm", "ff.", CONFIG_ALL_DOWN_REPLY_503, 0, "what is in maint does not count"},
	{"---", "rrr", "fff", CONFIG_ALL_DOWN_REPLY_503, 0, "what is not checked is used"},
	{"-?D", "rrr", "fp.", CONFIG_ALL_DOWN_REPLY_503, 0, "not checked is not unknown"},
	{"UUU", "rdm", "fp.", CONFIG_ALL_DOWN_REPLY_503, 0,
		"drain keeps what it has, maint nothing"},
	{"UDU", "rdr", "f.f", CONFIG_ALL_DOWN_REPLY_503, 0,
		"a drained backend that is down is down"},
	{"DDD", "rrr", "...", CONFIG_ALL_DOWN_REPLY_503, 0, "all down: 503"},
	{"DDD", "rrr", "...", CONFIG_ALL_DOWN_DROP, 0, "all down: drop"},
	{"DDD", "rrr", "fff", CONFIG_ALL_DOWN_SPREAD, 0, "all down: as if all were up"},
	{"DDD", "rdm", "fp.", CONFIG_ALL_DOWN_SPREAD, 0, "... but an operator's word stays"},
	{"UUU", "ddd", "ppp", CONFIG_ALL_DOWN_SPREAD, 0, "drained by hand is not down"},
	{"UDD", "rrr", "f..", CONFIG_ALL_DOWN_REPLY_503, 30, "above the panic threshold"},
	{"UDD", "rrr", "fff", CONFIG_ALL_DOWN_REPLY_503, 50, "below it health is ignored"},
	{"UDD", "rrm", "f..", CONFIG_ALL_DOWN_REPLY_503, 50, "maint is not part of the whole"},
};

static enum health_state state_of(char letter)
{
	switch (letter) {
	case 'U':
		return HEALTH_UP;
	case 'F':
		return HEALTH_FALLING;
	case 'D':
		return HEALTH_DOWN;
	case 'R':
		return HEALTH_RISING;
	default:
		return HEALTH_UNKNOWN;
	}
}

START_TEST(decides)
{
	struct config_service service_config = {
		.when_all_down = cases[_i].all_down,
		.panic_threshold_percent = cases[_i].panic,
	};
	struct config_backend configs[3];
	struct backend items[3];
	struct backend *backends[] = {&items[0], &items[1], &items[2]};
	struct service service = {
		.config = &service_config, .backends = backends, .nb_backends = 3};
	struct bits bits[3];
	char got[4] = "";
	uint32_t nb_fresh = 0;

	memset(configs, 0, sizeof(configs));
	memset(items, 0, sizeof(items));
	for (int i = 0; i < 3; i++) {
		char admin = cases[_i].admin[i];

		configs[i].weight = 100;
		configs[i].health_check.method =
			cases[_i].health[i] == '-' ? CONFIG_HEALTH_NONE : CONFIG_HEALTH_OPTIONS;
		items[i].config = &configs[i];
		items[i].admin = admin == 'r' ? CONFIG_STATE_READY
			: admin == 'd'        ? CONFIG_STATE_DRAIN
					      : CONFIG_STATE_MAINT;
		items[i].health.state = state_of(cases[_i].health[i]);
	}
	bits_decide(&service, bits);
	for (int i = 0; i < 3; i++) {
		got[i] = bits[i].fresh ? 'f' : bits[i].pinned ? 'p' : '.';
		ck_assert(!bits[i].fresh || bits[i].pinned);
		nb_fresh += bits[i].fresh;
	}
	ck_assert_msg(strcmp(got, cases[_i].expected) == 0, "%s: %s, expected %s", cases[_i].why,
		got, cases[_i].expected);
	ck_assert_uint_eq(bits_nb_usable(&service), nb_fresh);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("bits");

	tcase_add_loop_test(tc, decides, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	return suite_run(tc);
}
