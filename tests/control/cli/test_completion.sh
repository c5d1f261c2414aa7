#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The completion for bash offers what may follow: test_completion.sh SIPSHUNT
set -u
failed=0
# shellcheck source=/dev/null
source /dev/stdin <<<"$("$1" help --completion)"

# offers WANTED WORD...: the last word is the one being typed.
offers() {
	local wanted=$1
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_sipshunt
	if [[ "${COMPREPLY[*]}" != "$wanted" ]]; then
		echo "\"$*\" offers \"${COMPREPLY[*]}\", wanted \"$wanted\""
		failed=1
	fi
}

offers 'backend' sipshunt ba
offers 'list set show' sipshunt backend ''
offers 'set' sipshunt backend se
offers 'drain maint ready' sipshunt backend set access/kam1 ''
offers '--reason' sipshunt backend set access/kam1 drain --re
offers '--json' sipshunt --j
offers 'trace' sipshunt -j tr
offers 'stop' sipshunt trace ''
offers '--call-id' sipshunt trace --c
offers '' sipshunt nonsense ''
exit $failed
