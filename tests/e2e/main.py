# SPDX-License-Identifier: BSD-3-Clause
"""run-tests: builds, then unit, shell and end-to-end tests, all inside one sandbox."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import builds  # noqa: E402
import runner  # noqa: E402
import sandbox  # noqa: E402

PARTS = ("unit", "shell", "e2e")


def arguments():
    parser = argparse.ArgumentParser(prog="run-tests", description=(
        "Builds sipshunt and runs its tests; the last line is the count."))
    parser.add_argument("--quick", action="store_true",
                        help="unit tests of the gcc build and one end-to-end call test")
    parser.add_argument("-k", metavar="REGEX", dest="pattern",
                        help="only end-to-end tests whose name matches")
    parser.add_argument("--only", metavar="PART,...", default=",".join(PARTS),
                        help="of %s (default: all)" % ",".join(PARTS))
    parser.add_argument("--list", action="store_true", help="name the end-to-end tests")
    return parser.parse_args()


def end_to_end_tests(quick):
    import suite

    return [t for t in suite.TESTS if not quick or t in suite.QUICK]


def main(args):
    count = runner.Count()
    parts = args.only.split(",")

    print("# build", flush=True)
    built = builds.build(count, "gcc: warnings are errors", builds.GCC)
    if not built:
        return count.finish()
    if "unit" in parts:
        print("# unit tests, gcc", flush=True)
        builds.unit_tests(count, builds.GCC)
        if not args.quick:
            print("# unit tests, clang with ASan and UBSan", flush=True)
            if builds.build(count, "clang: warnings are errors, ASan and UBSan", builds.CLANG):
                builds.unit_tests(count, builds.CLANG)
    if "shell" in parts:
        print("# the tree", flush=True)
        builds.shell_checks(count)
    if "e2e" in parts:
        print("# end to end", flush=True)
        runner.run_tests(count, end_to_end_tests(args.quick), args.pattern)
    return count.finish()


if __name__ == "__main__":
    options = arguments()
    if options.list:
        for test in end_to_end_tests(options.quick):
            print("%-70s %s" % (test.__name__, (test.__doc__ or "").split("\n")[0]))
        sys.exit(0)
    sys.exit(sandbox.run(lambda: main(options)))
