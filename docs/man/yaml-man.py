#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Print sipshunt.yaml.5, made from docs/configuration.md: yaml-man.py FILE VERSION.

Understands what that page uses: headings, paragraphs, lists, code blocks and tables. The tables of
keys become one paragraph a key.
"""

import re
import sys


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\`")
    return "\\&" + text if text.startswith(".") else text


def inline(text):
    """`code` and **bold** are bold, a [link](target) is its text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    out = ""
    for part in re.split(r"(`[^`]*`|\*\*[^*]+\*\*|\*[^*\s]+\*)", text):
        if len(part) > 2 and part[0] == "`":
            out += "\\fB" + escape(part[1:-1]) + "\\fR"
        elif len(part) > 4 and part.startswith("**"):
            out += "\\fB" + escape(part[2:-2]) + "\\fR"
        elif len(part) > 2 and part[0] == part[-1] == "*":
            out += "\\fI" + escape(part[1:-1]) + "\\fR"
        else:
            out += escape(part)
    return "\\&" + out if out.startswith((".", "'")) else out


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def print_table(rows):
    titles, body = rows[0], rows[2:]
    is_keys = titles[0] == "key"
    for row in body:
        print(".TP")
        print(inline(row[0]))
        if is_keys:
            kind, default, allowed, when, meaning = row[1:6]
            print(inline(meaning))
            facts = [kind]
            facts += ["default " + default] if default not in ("-", "required") else []
            facts += ["required"] if default == "required" else []
            facts += ["allowed: " + allowed] if allowed != "-" else []
            facts += ["takes effect at a restart"] if when == "restart" else []
            print(".br\n(" + inline("; ".join(facts)) + ")")
        else:
            print("; ".join(inline(cell) if i == 0 else titles[i + 1] + ": " + inline(cell)
                            for i, cell in enumerate(row[1:]) if cell != "-"))


def print_code(lines):
    print(".PP\n.in +4n\n.nf")
    for line in lines:
        print(escape(line) if line else "")
    print(".fi\n.in")


def convert(lines):
    at = 0
    fresh = True
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = lines.index("```", at + 1)
            print_code(lines[at + 1:end])
            at = end
            fresh = True
        elif line.startswith("|"):
            end = at
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            print_table([cells(row) for row in lines[at:end]])
            at = end - 1
            fresh = True
        elif line.startswith("## "):
            print(".SH " + escape(line[3:].upper().replace("`", "")))
            fresh = False
        elif line.startswith("### "):
            print(".SS " + escape(line[4:].replace("`", "")))
            fresh = False
        elif not line.strip():
            fresh = True
        elif re.match(r"(-|\d+\.) ", line):
            mark, text = line.split(" ", 1)
            print(".IP %s 3\n%s" % ("\\(bu" if mark == "-" else mark, inline(text)))
            fresh = False
        else:
            if fresh:
                print(".PP")
            print(inline(line.strip()))
            fresh = False
        at += 1


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    print(".\\\" Generated from docs/configuration.md.")
    print('.TH SIPSHUNT.YAML 5 "" "sipshunt %s" "sipshunt"' % sys.argv[2])
    print(".SH NAME\nsipshunt.yaml \\- configuration of the sipshunt load balancer")
    print(".SH DESCRIPTION")
    # The page's own title is the name section.
    convert(lines[1:] if lines[0].startswith("# ") else lines)
    print(".SH SEE ALSO\n.BR sipshunt (1),\n.BR sipshunt\\-control (8),\n"
          ".BR sipshunt\\-dataplane (8)")


if __name__ == "__main__":
    main()
