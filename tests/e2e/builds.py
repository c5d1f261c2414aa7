# SPDX-License-Identifier: BSD-3-Clause
"""The builds, the unit tests counted case by case, and the checks of the tree itself."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from lab import ROOT


class Build:
    def __init__(self, name, directory, setup, env=None, test_env=None):
        self.name = name
        self.directory = os.path.join(ROOT, directory)
        self.setup = setup
        self.env = dict(os.environ, **(env or {}))
        self.test_env = test_env or {}


GCC = Build("gcc", "build", ["--werror"], env={"CC": "gcc"},
            test_env={"CK_TIMEOUT_MULTIPLIER": "10"})
CLANG = Build(
    "clang, ASan and UBSan", "build-asan",
    # Compiled quickly: the sanitizers need no more than -O1 and the lines. And gnu11 allows a
    # flexible struct inside another one; clang alone warns of it.
    ["--werror", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dbench=false",
     "-Doptimization=1",
     "-Dc_args=-gline-tables-only -Wno-gnu-variable-sized-type-not-at-end"],
    env={"CC": "clang"},
    test_env={
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "CK_TIMEOUT_MULTIPLIER": "30",
    },
)


# What the demo needs of the build; the rest is for the tests.
PROGRAMS = ("sipshunt", "sipshunt-control", "sipshunt-dataplane")


def output_of(argv, env, timeout=2400):
    done = subprocess.run(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=timeout)
    return done.returncode, done.stdout


def configure(build):
    """meson setup; a directory that another version of the build files left is made anew."""
    setup = ["meson", "setup", build.directory, ROOT] + build.setup
    if os.path.exists(os.path.join(build.directory, "build.ninja")):
        return 0, ""
    code, text = output_of(setup, build.env)
    if code != 0 and os.path.isdir(os.path.join(build.directory, "meson-private")):
        code, text = output_of(setup + ["--wipe"], build.env)
    return code, text


def compile_targets(build, names, nice):
    """Run ninja for the targets of these names, or for all."""
    files = []
    if names:
        code, text = output_of(["meson", "introspect", "--targets", build.directory], build.env)
        if code != 0:
            return code, text
        files = [os.path.relpath(f, build.directory) for t in json.loads(text)
                 if t["name"] in names for f in t["filename"]]
    return output_of(["nice", "-n", str(nice), "ninja", "-C", build.directory] + files, build.env)


def make(build, names=(), nice=0):
    """Configure and compile; return (exit code, what was printed)."""
    code, text = configure(build)
    if code == 0:
        code, text = compile_targets(build, names, nice)
        if code != 0 and re.search(r"meson\.build:\d+:\d+: ERROR", text):
            # The old configuration does not fit any more: once more from nothing.
            shutil.rmtree(build.directory, ignore_errors=True)
            code, text = configure(build)
            if code == 0:
                code, text = compile_targets(build, names, nice)
    return code, text


def report(count, build, made):
    """Count what make() returned; return whether all is there."""
    code, text = made
    name = build.name + ": warnings are errors"
    if code != 0:
        # Not the hundreds of files that did compile.
        lines = [l for l in text.split("\n") if not re.match(r"\[\d+/\d+\] ", l)]
        count.fails(name, "\n".join(lines)[-6000:])
    else:
        count.passes(name)
    return code == 0


def tap_results(path):
    """(passed, [failed]) of check's TAP log, or None when there is none."""
    if not os.path.exists(path):
        return None
    passed, failed = 0, []
    with open(path, errors="replace") as f:
        for line in f:
            if line.startswith("ok "):
                passed += 1
            elif line.startswith("not ok "):
                failed.append(line[len("not ok "):].strip())
    return (passed, failed) if passed or failed else None


def run_unit(build_, test, log_directory):
    name = "%s (%s)" % (test["name"], build_.name)
    tap = os.path.join(log_directory, re.sub(r"\W", "_", name) + ".tap")
    start = time.monotonic()
    env = dict(build_.env, CK_TAP_LOG_FILE_NAME=tap, CK_VERBOSITY="normal", **build_.test_env)
    env.update(test["env"])
    try:
        done = subprocess.run(test["cmd"], cwd=test["workdir"] or build_.directory, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=max(300, 4 * (test["timeout"] or 30)))
        code, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        code = "no end in %d s" % e.timeout
        text = (e.stdout or b"").decode(errors="replace")
    except OSError as e:
        code, text = "none", str(e)
    return name, code, text, tap_results(tap), time.monotonic() - start


def tests_of(count, build_):
    code, text = output_of(["meson", "introspect", "--tests", build_.directory], build_.env)
    if code != 0:
        count.fails("meson introspect", text)
        return []
    return json.loads(text)


def unit_tests(count, builds_):
    """Run what `meson test` would run of these builds, but count the cases inside each program."""
    tests = [(b, t) for b in builds_ for t in tests_of(count, b)]
    # Those that may take long start first. Many wait more than they compute.
    tests.sort(key=lambda bt: -bt[1]["timeout"])
    with tempfile.TemporaryDirectory(dir="/run") as logs:
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() + 1) as pool:
            jobs = [pool.submit(run_unit, b, t, logs) for b, t in tests if t["is_parallel"]]
            for job in concurrent.futures.as_completed(jobs):
                count_unit(count, *job.result())
        for build_, test in tests:
            if not test["is_parallel"]:
                count_unit(count, *run_unit(build_, test, logs))


def count_unit(count, name, code, text, cases, seconds):
    if cases is None:
        # Not a check program: its exit code is its one result.
        if code == 77:
            count.skips(name, (text.strip() or "says so").split("\n")[-1])
        elif code == 0:
            count.passes(name, "  (%.1f s)" % seconds)
        else:
            count.fails(name, "exit %s\n%s" % (code, text[-4000:]))
        return
    passed, failed = cases
    count.passed += passed
    print("%s  %s: %d passed, %d failed  (%.1f s)" % (
        "ok  " if not failed and code == 0 else "FAIL", name, passed, len(failed), seconds),
        flush=True)
    for i, case in enumerate(failed):
        # What the program printed is shown once, not for each of its cases.
        count.fails("%s: %s" % (name, case), text[-4000:] if i == 0 else "")
    if code != 0 and not failed:
        # Died between two cases, or a sanitizer spoke at the end.
        count.fails(name + " as a whole", "exit %s\n%s" % (code, text[-4000:]))


SHELL_FILES = ("run-demo", "run-tests", ".ci/run", "tests/layers.sh", "tests/setup.sh")


def shell_checks(count):
    checks = [
        ("includes point one way", ["tests/layers.sh"]),
        ("a wrong include is noticed", ["tests/layers.sh", "--self-test"]),
        ("shell scripts are clean", ["shellcheck", "-x", "-s", "bash", *SHELL_FILES]),
    ]
    for name, argv in checks:
        code, text = output_of(argv, dict(os.environ))
        if code == 0:
            count.passes(name)
        else:
            count.fails(name, text[-3000:])
