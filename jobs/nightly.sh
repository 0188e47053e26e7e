#!/bin/sh
# Every night: import what lies in the inbox, fetch what PubMed has new or revised, then annotate what is new.
#
#   jobs/nightly.sh [INBOX] [QUERIES]        default: ./inbox, ./queries.txt; the lake is $LITMINE_LAKE, default ./lake
#
# QUERIES has a PubMed search a line; blank lines and those that begin with # are passed over. Without that file nothing
# is fetched. Gaps (exit 3) in a step do not keep the rest from being done, and neither does a run of someone else (75).
# Leaves with the worst code of all steps: an error, then a lock, then gaps, then 0. One line a step goes to stderr.
set -eu

inbox=${1:-inbox}
queries=${2:-queries.txt}

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
if [ -f "$queries" ]; then
    while IFS= read -r query || [ -n "$query" ]; do
        case $query in
        '' | '#'*) ;;
        *) step fetch --query "$query" --since last </dev/null ;;
        esac
    done <"$queries"
fi
step annotate
exit "$worst"
