#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`sipshunt inspect --json` over every message of tests/parser/messages and of a corpus beside the
repository (shared/corpus with a MANIFEST.tsv): one sound object per file, and the manifest's verdict
where it has a clear opinion."""

import glob
import json
import os
import subprocess
import sys

KEYS = {
    "schema": int, "file": str, "verdict": str, "reason": str, "offset": int, "kind": str,
    "method": str, "status": int, "request_uri": str, "call_id": str, "cseq": int, "from_tag": str,
    "to_tag": str, "via": list, "max_forwards": int, "route": list, "record_route": list,
    "contact": list, "expires": int, "content_length": int, "body_length": int,
}
NEVER_NULL = ("schema", "file", "verdict", "via", "route", "record_route", "contact")
# What an accepted message always has.
OK_HAS = ("kind", "call_id", "cseq", "body_length")

failures = []
nb_passed = 0


def check(good, text):
    global nb_passed
    if good:
        nb_passed += 1
    else:
        failures.append(text)
        print("FAILED " + text)


def inspect(program, files):
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1")
    result = subprocess.run([program, "inspect", "--json"] + files, capture_output=True, timeout=120,
                            check=False, env=env)
    check(result.returncode in (0, 1) and not result.stderr, "inspect of %d files: %d %r" % (
        len(files), result.returncode, result.stderr[:500]))
    objects = [json.loads(line) for line in result.stdout.decode("ascii").splitlines()]
    check([o["file"] for o in objects] == files, "one object per file, in order")
    return objects


def check_object(item):
    name = item["file"]
    for key, kind in KEYS.items():
        value = item.get(key, Ellipsis)
        check((value is None and key not in NEVER_NULL) or isinstance(value, kind),
              "%s: %s is %r" % (name, key, value))
    size = os.path.getsize(name)
    if item["verdict"] == "ok":
        check(all(item[key] is not None for key in OK_HAS), name + ": an accepted message is whole")
        check((item["method"] is None) == (item["kind"] == "response") and
              (item["status"] is None) == (item["kind"] == "request"), name + ": method or status")
        check(len(item["via"]) > 0 and item["reason"] is None and item["offset"] is None,
              name + ": has a Via and no reason")
        check(item["content_length"] in (None, item["body_length"]), name + ": the body's length")
    else:
        check(item["verdict"] == "reject" and item["reason"] and 0 <= item["offset"] <= size,
              "%s: reason %r at %r of %d" % (name, item["reason"], item["offset"], size))


def opinion(row):
    """The manifest's verdict, None where it allows both or speaks of a stream."""
    parser = row["parser"]
    if parser == "accept" or (parser.startswith("accept (") and "liberal" not in parser) or \
            parser.startswith("accept, "):
        return "ok"
    if parser == "reject" or parser.startswith("reject (duplicate") or \
            (parser == "accept headers, mandatory missing"):
        return "reject"
    return None


def main():
    program, messages, corpus = sys.argv[1:4]
    files = sorted(f for f in glob.glob(messages + "/**", recursive=True) if os.path.isfile(f))
    check(len(files) > 0, "messages in " + messages)
    for item in inspect(program, files):
        check_object(item)
    manifest = os.path.join(corpus, "MANIFEST.tsv")
    if os.path.exists(manifest):
        with open(manifest, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        rows = [dict(zip(lines[0], line)) for line in lines[1:]]
        rows = [row for row in rows if not row["path"].startswith("stream/")]
        objects = inspect(program, [os.path.join(corpus, row["path"]) for row in rows])
        for row, item in zip(rows, objects):
            check_object(item)
            wanted = opinion(row)
            check(wanted in (None, item["verdict"]), "%s: manifest \"%s\", verdict %s %s" % (
                row["path"], row["parser"], item["verdict"], item["reason"]))
    else:
        print("no corpus at %s: only our own messages" % corpus)
    print("%d passed, %d failed" % (nb_passed, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
