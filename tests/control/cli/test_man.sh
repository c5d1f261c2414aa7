#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Man pages without warnings, generated ones included: test_man.sh SIPSHUNT SOURCE_ROOT
set -u
command -v man >/dev/null || { echo "man is not installed"; exit 77; }
failed=0
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$1" help --man >"$directory/sipshunt.1" || failed=1
python3 "$2/docs/man/yaml-man.py" "$2/docs/configuration.md" 0 >"$directory/sipshunt.yaml.5" || failed=1
cp "$2"/docs/man/*.8 "$directory"
for page in "$directory"/*; do
	warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
	if [[ -n $warnings ]]; then
		echo "$(basename "$page"): $warnings"
		failed=1
	fi
done
# Every command of the table stands in the page.
text=$(LC_ALL=C MANWIDTH=200 man -l "$directory/sipshunt.1" 2>/dev/null | col -b)
while read -r words; do
	[[ $text == *"$words"* ]] || { echo "sipshunt.1 does not name \"$words\""; failed=1; }
done < <("$1" help | sed -n '/^commands:/,/^$/s/^  \([a-z ]*[a-z]\)   *.*/\1/p')
# Every option of the daemons stands in their pages, and no other.
for name in control dataplane; do
	program=$(dirname "$1")/../sipshunt-control
	[[ $name == dataplane ]] && program=$(dirname "$1")/../../dataplane/sipshunt-dataplane
	options_of() { grep -oE -- '--[a-z-]+' | sort -u; }
	said=$({ "$program" --help; echo --help; } | options_of)
	page=$(sed 's/\\-/-/g' "$2/docs/man/sipshunt-$name.8" | options_of)
	[[ $said == "$page" ]] || {
		echo "sipshunt-$name --help has $said, its page $page"
		failed=1
	}
done
exit $failed
