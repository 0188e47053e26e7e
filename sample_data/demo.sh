#!/bin/sh
# The demo: import the sample records, annotate them, query them, ask a question. Prints a transcript of what it runs.
# DEMO_LAKE says where else than ./demo-lake, s3://bucket/prefix too; only ./demo-lake is emptied first.
set -eu
cd "$(dirname "$0")/.."
export LITMINE_LAKE="${DEMO_LAKE:-demo-lake}"

# Print a command as one would type it, then run it.
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
run status
run sql "select entity_type, count(*) as mentions, count(distinct pmid) as articles
         from entities group by all order by mentions desc"
run sql "select lower(mention) as disease, count(distinct pmid) as articles, round(avg(score), 2) as score
         from entities where entity_type = 'Disease' group by all order by articles desc, disease limit 8"
run sql "select start_char, end_char, mention, entity_type, round(score, 2) as score
         from entities where pmid = 21272792 order by start_char limit 10"
run ask "Which gene is mutated in Marfan syndrome?"
