#!/bin/sh
# Every night: import what lies in the inbox, then annotate what is new.
#
#   jobs/nightly.sh [INBOX]        default: ./inbox; the lake is $LITMINE_LAKE, default ./lake
#
# Gaps (exit 3) in the import do not keep the rest from being annotated, and neither does a run of someone else (75).
# Leaves with the worst code of the two steps: an error, then a lock, then gaps, then 0. One line a step goes to stderr.
set -eu

inbox=${1:-inbox}

rank() {
    case $1 in
    0) echo 0 ;;
    3) echo 1 ;;
    75) echo 2 ;;
    *) echo 3 ;;
    esac
}

worst=0
step() {
    code=0
    litmine "$@" || code=$?
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) litmine $1: exit $code" >&2
    if [ "$(rank "$code")" -gt "$(rank "$worst")" ]; then worst=$code; fi
    if [ "$code" -eq 130 ]; then exit 130; fi
}

if [ -d "$inbox" ]; then
    step import "$inbox"
else
    echo "nightly: there is no folder $inbox; name the one that new files come to: nightly.sh INBOX" >&2
    worst=1
fi
step annotate
exit "$worst"
