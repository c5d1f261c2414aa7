// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_NEXT_HDR_H
#define DISPATCH_NEXT_HDR_H

#include "parser/sip_msg.h"
#ifdef __AVX512BW__
#include <immintrin.h>
#endif

// The next header field `id` from header field i on; msg->nb_hdrs when there is none.
static inline unsigned int next_hdr(const struct sip_msg *msg, enum sip_hdr id, unsigned int i)
{
#ifdef __AVX512BW__
	_Static_assert(SIP_HDRS_MAX >= 64, "the index has room for a vector");
	if (msg->nb_hdrs <= 64) {
		uint64_t all = _mm512_cmpeq_epi8_mask(
			_mm512_loadu_si512(msg->hdr_id), _mm512_set1_epi8((char)id));
		uint64_t left = i < 64 ? _bzhi_u64(all, msg->nb_hdrs) >> i << i : 0;

		return left != 0 ? (unsigned int)_tzcnt_u64(left) : msg->nb_hdrs;
	}
#endif
	while (i < msg->nb_hdrs && msg->hdr_id[i] != id)
		i++;
	return i;
}

#endif
