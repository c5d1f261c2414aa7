#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The include graph of docs/architecture.md: fails on any include that points another way.
# Usage: layers.sh [--self-test] [ROOT]
set -u

self_test=no
if [ "${1:-}" = --self-test ]; then
	self_test=yes
	shift
fi
root=${1:-$(cd "$(dirname "$0")/.." && pwd)}

# room_of FILE: the room that a path from the root belongs to.
room_of() {
	case $1 in
	parser/*) echo parser ;;
	dataplane/dispatch/*) echo dispatch ;;
	dataplane/*) echo dataplane ;;
	config/*) echo config ;;
	control/*) echo control ;;
	bench/*) echo bench ;;
	tests/*) echo tests ;;
	*) echo unknown ;;
	esac
}

# may_include ROOM HEADER: whether a file of the room may include "HEADER".
may_include() {
	local to
	to=$(room_of "$2")
	case $1:$to in
	parser:parser | config:config) return 0 ;;
	dispatch:dispatch | dispatch:parser) return 0 ;;
	dataplane:dataplane | dataplane:dispatch | dataplane:parser) return 0 ;;
	control:control | control:config | control:dispatch | control:parser) return 0 ;;
	control:dataplane) [ "$2" = dataplane/ipc.h ] ;;
	bench:unknown | tests:unknown) return 1 ;;
	bench:tests) return 1 ;;
	bench:* | tests:*) return 0 ;;
	*) return 1 ;;
	esac
}

# may_use ROOM LIBRARY_HEADER: whether a file of the room may include <LIBRARY_HEADER>.
may_use() {
	case $2 in
	rte_* | ethdev_*) [[ $1 == dataplane || $1 == bench || $1 == tests ]] ;;
	hiredis/* | event2/* | libmnl/*) [[ $1 == control || $1 == bench || $1 == tests ]] ;;
	cyaml/* | yaml.h) [[ $1 == config || $1 == tests ]] ;;
	# The pure rooms allocate nothing, print nothing and call no system. Building a table may
	# sort: see calls_of() for what stdlib.h must not be used for.
	stdlib.h) [[ $1 != parser ]] ;;
	malloc.h | stdio.h | syslog.h | unistd.h | time.h | pthread.h | sys/socket.h)
		[[ $1 != parser && $1 != dispatch ]]
		;;
	*) return 0 ;;
	esac
}

# calls_of FILE: where a file of a pure room allocates or ends the process.
calls_of() {
	grep -nE '\<(malloc|calloc|realloc|free|aligned_alloc|strdup|abort|exit|getenv)[[:space:]]*\(' "$1" |
		grep -vE '^[0-9]+:[[:space:]]*//'
}

check_tree() {
	local bad=0 files=0 file room line header
	while IFS= read -r file; do
		room=$(room_of "$file")
		[ "$room" = unknown ] && continue
		files=$((files + 1))
		if [[ $room == parser || $room == dispatch ]] && calls_of "$1/$file" >/dev/null; then
			calls_of "$1/$file" | sed "s|^|$file:|"
			bad=$((bad + 1))
		fi
		while IFS=: read -r line header; do
			case $header in
			\"*)
				header=${header//\"/}
				if ! may_include "$room" "$header"; then
					echo "$file:$line: $room may not include \"$header\""
					bad=$((bad + 1))
				fi
				;;
			*)
				header=${header//[<>]/}
				if ! may_use "$room" "$header"; then
					echo "$file:$line: $room may not include <$header>"
					bad=$((bad + 1))
				fi
				;;
			esac
		done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1/;T;=;p' "$1/$file" |
			paste -d: - -)
	done < <(cd "$1" && find . -name 'build*' -prune -o \( -name '*.c' -o -name '*.h' \) -print |
		sed 's|^\./||' | sort)
	echo "$files files, $bad forbidden includes"
	[ "$bad" -eq 0 ] && [ "$files" -gt 0 ]
}

# Plant each kind of wrong include in a small tree: every one must be found.
run_self_test() {
	local failed=0 file include
	tree=$(mktemp -d)
	trap 'rm -rf "$tree"' EXIT
	mkdir -p "$tree"/{parser,dataplane/dispatch,config,control,bench,tests}
	while read -r file include; do
		printf '#include %s\n' "$include" >"$tree/$file"
		if check_tree "$tree" >/dev/null; then
			echo "not noticed: $file including $include"
			failed=1
		fi
		rm "$tree/$file"
	done <<-'END'
		parser/a.c "dataplane/dispatch/decide.h"
		parser/a.c <rte_mbuf.h>
		parser/a.c <stdlib.h>
		dataplane/dispatch/a.h "dataplane/worker.h"
		dataplane/dispatch/a.c <rte_ring.h>
		dataplane/a.c "control/health.h"
		dataplane/a.c "config/config.h"
		config/a.c "parser/strv.h"
		control/a.c "dataplane/worker.h"
		control/a.c <rte_eal.h>
		control/a.c "health.h"
		bench/a.c "tests/helper.h"
	END
	printf 'void *p = malloc(1);\n' >"$tree/dataplane/dispatch/a.c"
	if check_tree "$tree" >/dev/null; then
		echo "not noticed: dispatch calling malloc()"
		failed=1
	fi
	rm "$tree/dataplane/dispatch/a.c"
	printf '#include "dataplane/ipc.h"\n#  include <hiredis/hiredis.h>\n' >"$tree/control/a.c"
	if ! check_tree "$tree" >/dev/null; then
		echo "refused what is allowed: control including dataplane/ipc.h"
		failed=1
	fi
	[ "$failed" -eq 0 ] && echo "every planted include was noticed"
}

if [ "$self_test" = yes ]; then
	run_self_test
else
	check_tree "$root"
fi
