# SPDX-License-Identifier: BSD-3-Clause
"""All end-to-end tests, in the order they run."""

TESTS = []
QUICK = []
