// SPDX-License-Identifier: BSD-3-Clause
#include "control/health_state.h"

static void count_good(struct backend_health *health, uint32_t rise)
{
	switch (health->own) {
	case HEALTH_UNKNOWN:
	case HEALTH_FALLING:
	case HEALTH_UP:
		health->own = HEALTH_UP;
		health->streak = 0;
		return;
	case HEALTH_DOWN:
		health->streak = 0;
		health->own = HEALTH_RISING;
		break;
	default:
		break;
	}
	if (++health->streak >= rise) {
		health->own = HEALTH_UP;
		health->streak = 0;
	}
}

static void count_bad(struct backend_health *health, uint32_t fall)
{
	switch (health->own) {
	case HEALTH_DOWN:
	case HEALTH_RISING:
		health->own = HEALTH_DOWN;
		health->streak = 0;
		return;
	case HEALTH_UP:
		health->streak = 0;
		health->own = HEALTH_FALLING;
		break;
	default:
		break;
	}
	if (++health->streak >= fall) {
		health->own = HEALTH_DOWN;
		health->streak = 0;
	}
}

void health_state_count(struct backend_health *health, const struct config_health_check *check,
	enum probe_result result)
{
	switch (result) {
	case PROBE_GOOD:
		count_good(health, check->rise);
		break;
	case PROBE_BAD_STATUS:
	case PROBE_TIMEOUT:
	case PROBE_UNREACHABLE:
		count_bad(health, check->fall);
		break;
	default:
		break;
	}
}

enum health_state health_state_effective(const struct backend_health *health)
{
	bool certain = health->own == HEALTH_DOWN && health->last_result == PROBE_UNREACHABLE;

	switch (health->verdict) {
	case VERDICT_UP:
		return health_is_usable(health->own) || certain ? health->own : HEALTH_UP;
	case VERDICT_DOWN:
		return health->own == HEALTH_RISING ? HEALTH_RISING : HEALTH_DOWN;
	case VERDICT_NONE:
		break;
	}
	return health->own;
}

bool health_status_is_good(const struct config_health_check *check, uint16_t status)
{
	for (uint32_t i = 0; i < check->nb_expect; i++) {
		if (status >= check->expect[i].first && status <= check->expect[i].last)
			return true;
	}
	return false;
}
