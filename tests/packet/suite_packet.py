# SPDX-License-Identifier: BSD-3-Clause
"""All packet tests, in the order they run."""

import peer
import test_answers
import test_dialogs
import test_fragments
import test_ipv6
import test_outbound
import test_requests
import test_routing
import test_trust


def tests_of(module):
    return [f for f in vars(module).values() if getattr(f, "module", "") == module.__name__]


MODULES = (test_requests, test_routing, test_answers, test_dialogs, test_outbound, test_fragments,
           test_trust, test_ipv6)
TESTS = [t for m in MODULES for t in tests_of(m)]
close = peer.Setup.close
