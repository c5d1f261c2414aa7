# SPDX-License-Identifier: BSD-3-Clause
"""run-tests: builds, then unit, shell and end-to-end tests, all inside one sandbox."""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "packet")]

import builds  # noqa: E402
import runner  # noqa: E402
import sandbox  # noqa: E402

PARTS = ("unit", "shell", "packet", "e2e")


def arguments():
    parser = argparse.ArgumentParser(prog="run-tests", description=(
        "Builds sipshunt and runs its tests; the last line is the count."))
    parser.add_argument("--quick", action="store_true",
                        help="unit tests of the gcc build and one end-to-end call test")
    parser.add_argument("-k", metavar="REGEX", dest="pattern",
                        help="only packet and end-to-end tests whose name matches")
    parser.add_argument("--only", metavar="PART,...", default=",".join(PARTS),
                        help="of %s (default: all)" % ",".join(PARTS))
    parser.add_argument("--list", action="store_true", help="name the end-to-end tests")
    return parser.parse_args()


def packet_tests(count, pattern):
    import suite_packet

    runner.run_tests(count, suite_packet.TESTS, pattern, timeout=120)
    suite_packet.close()
    runner.clean_up()


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
    if "packet" in parts and not args.quick:
        print("# packets: octets in, octets out", flush=True)
        packet_tests(count, args.pattern)
    if "e2e" in parts:
        print("# end to end", flush=True)
        runner.run_tests(count, end_to_end_tests(args.quick), args.pattern)
    return count.finish()


if __name__ == "__main__":
    options = arguments()
    if options.list:
        import suite_packet

        listed = [] if options.quick else suite_packet.TESTS
        for test in listed + end_to_end_tests(options.quick):
            print("%-70s %s" % (test.__name__, (test.__doc__ or "").split("\n")[0]))
        sys.exit(0)
    sys.exit(sandbox.run(lambda: main(options)))
