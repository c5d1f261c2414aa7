# SPDX-License-Identifier: BSD-3-Clause
"""run-tests: builds, then unit, shell, packet and end-to-end tests, all inside sandboxes."""

import argparse
import concurrent.futures
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "packet")]

import builds  # noqa: E402
import lanes  # noqa: E402
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


def packet_tests():
    import suite_packet

    return suite_packet


def end_to_end_tests(quick):
    import suite

    return [t for t in suite.TESTS if not quick or t in suite.QUICK]


def jobs_of(args, parts):
    """(tests that may run side by side, tests that must be alone) as jobs."""

    def matching(tests):
        return [t for t in tests if not args.pattern or re.search(args.pattern, t.__name__)]

    e2e = matching(end_to_end_tests(args.quick)) if "e2e" in parts else []
    jobs = [lanes.Job([t]) for t in e2e if not runner.is_alone(t)]
    if "packet" in parts and not args.quick:
        tests = matching(packet_tests().TESTS)
        if tests:  # they share one lab
            jobs.insert(0, lanes.Job(tests, 120, packet_tests().close))
    return jobs, [lanes.Job([t]) for t in e2e if runner.is_alone(t)]


def side_by_side(count, jobs, clang):
    """Tests in lanes, and clang's build beside them: they wait most of the time. Theirs is the
    processor whenever they want it. Return the builds whose unit tests can run."""
    running = lanes.Lanes(jobs, os.cpu_count())
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        made = pool.submit(builds.make, builds.CLANG, nice=19) if clang else None
        running.run(count)
        if clang and builds.report(count, builds.CLANG, made.result()):
            return [builds.GCC, builds.CLANG]
    return [builds.GCC]


def main(args):
    count = runner.Count()
    parts = args.only.split(",")

    with count.part("gcc build"):
        if not builds.report(count, builds.GCC, builds.make(builds.GCC)):
            return count.finish()
    if "shell" in parts:
        with count.part("the tree"):
            builds.shell_checks(count)
    jobs, alone = jobs_of(args, parts)
    with count.part("packets and calls side by side, and the clang build"):
        ready = side_by_side(count, jobs, clang="unit" in parts and not args.quick)
    if "unit" in parts:
        with count.part("unit tests of " + " and of ".join(b.name for b in ready)):
            builds.unit_tests(count, ready)
    if alone:
        with count.part("calls with nothing beside them"):
            lanes.Lanes(alone, 1).run(count)
    return count.finish()


if __name__ == "__main__":
    options = arguments()
    if options.list:
        listed = [] if options.quick else packet_tests().TESTS
        for test in listed + end_to_end_tests(options.quick):
            print("%-70s %s" % (test.__name__, (test.__doc__ or "").split("\n")[0]))
        sys.exit(0)
    sys.exit(sandbox.run(lambda: main(options)))
