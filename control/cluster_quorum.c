// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_quorum.h"

#include "dataplane/dispatch/siphash.h"

#include <string.h>

// Not a secret: nodes must agree, and nobody gains from choosing a prober.
static const uint8_t score_key[16] = "sipshunt prober";

static uint64_t score(const char *path, const char *node)
{
	char text[256];
	size_t path_len = strnlen(path, 127), node_len = strnlen(node, 127);

	memcpy(text, path, path_len);
	text[path_len] = '\0';
	memcpy(text + path_len + 1, node, node_len);
	return siphash13(score_key, text, path_len + 1 + node_len);
}

bool quorum_is_prober(const char *path, const char *const *nodes, uint32_t nb_nodes, uint32_t who)
{
	uint64_t own;
	uint32_t better = 0;

	if (nb_nodes <= QUORUM_PROBERS)
		return who < nb_nodes;
	own = score(path, nodes[who]);
	for (uint32_t i = 0; i < nb_nodes && better < QUORUM_PROBERS; i++) {
		uint64_t other = score(path, nodes[i]);

		if (other > own || (other == own && strcmp(nodes[i], nodes[who]) < 0))
			better++;
	}
	return better < QUORUM_PROBERS;
}

enum cluster_verdict quorum_verdict(
	const enum health_state *views, uint32_t nb_views, enum cluster_verdict before)
{
	uint32_t up = 0, down = 0;

	for (uint32_t i = 0; i < nb_views; i++) {
		if (health_is_usable(views[i]))
			up++;
		else if (views[i] != HEALTH_UNKNOWN)
			down++;
	}
	if (up * 2 > nb_views)
		return VERDICT_UP;
	if (down * 2 > nb_views)
		return VERDICT_DOWN;
	return before;
}
