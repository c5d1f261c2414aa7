# SPDX-License-Identifier: BSD-3-Clause
"""All packet tests, in the order they run."""

import peer
import test_dialogs
import test_fragments
import test_requests


def tests_of(module):
    return [f for f in vars(module).values() if getattr(f, "module", "") == module.__name__]


TESTS = [t for m in (test_requests, test_dialogs, test_fragments) for t in tests_of(m)]
close = peer.Setup.close
