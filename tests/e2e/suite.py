# SPDX-License-Identifier: BSD-3-Clause
"""All end-to-end tests, in the order they run."""

import test_calls
import test_cluster
import test_edge
import test_failures
import test_operation
import test_policies
import test_sandbox
import test_workers


def tests_of(module):
    """Functions that a module defines and whose name states a fact: those without parameters."""
    return [f for f in vars(module).values()
            if hasattr(f, "__code__") and getattr(f, "__module__", "") == module.__name__
            and f.__code__.co_argcount == 0 and not f.__name__.startswith("_")]


MODULES = (
    test_calls, test_cluster, test_edge, test_failures, test_operation, test_policies, test_sandbox,
    test_workers)
TESTS = [t for m in MODULES for t in tests_of(m)]
QUICK = [test_calls.a_thousand_calls_complete_and_each_stays_at_one_backend]
