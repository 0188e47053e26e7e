#!/bin/sh
# The demo: import the sample records, annotate them, query them, ask a question. Prints each command before it runs it.
# DEMO_LAKE names another lake than ./demo-lake, also s3://bucket/prefix. Only ./demo-lake is emptied first.
set -eu
cd "$(dirname "$0")/.."
export LITMINE_LAKE="${DEMO_LAKE:-demo-lake}"

# Print a command as a user types it, then run it.
run() {
    line="litmine"
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./-]*) line="$line \"$word\"" ;;
        *) line="$line $word" ;;
        esac
    done
    printf '\n$ %s\n' "$line"
    litmine "$@"
}

rm -rf demo-lake
echo "\$ export LITMINE_LAKE=$LITMINE_LAKE"

run import sample_data/pubmed
run annotate
run sql "select identifier, name, mentions, articles from concepts
         where entity_type = 'Disease' order by articles desc, name limit 4"
run sql "select start_char, end_char, mention, entity_type, identifier, round(score, 2) as score
         from entities where pmid = 21272792 order by start_char limit 4"
run ask "Which gene is mutated in Marfan syndrome?"
