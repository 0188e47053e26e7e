-- The views that every lake has. Those of a task are in schemas/<its table>.sql. `litmine sql` and the catalogue
-- `lake.duckdb` show them. Each view or macro is one statement after a comment `-- name: description`.
--
-- Placeholders:
-- {TABLE}: the rows of a table, read by field ids (schemas/*.json), without files that a merged file has replaced. The
--   table of a task also has the column `model`, and with article parts `inputs`: the targets of other tasks that it
--   was made from, null for none.
-- {TABLE: pmid, as_of}: some columns only, which DuckDB prepares faster.
-- {current TABLE}: the rows of the table of a task with article parts that belong to the current texts.
-- {current TABLE with EXTENSION}: the same of a table that the table EXTENSION of another task extends (`TaskSpec.extends`):
--   with its columns, from its active models where these have targets, and their model as `extended_by`.
-- {current articles: title}: columns of the current version of each PMID, without deleted ones.
-- {active TASK}: a condition on the rows of a task: they are from its active models, and of the types shown from them.
-- {pairs}: the rows of every task that reads pairs of questions and texts.
-- {extensions}: pairs of a task that extends the targets of another, and this other task.
-- {stored NAME: SELECT ...}: what litmine keeps of this query beside the lake, where that is up to date, else the query.
-- {footers of TABLE}: the footers of a table's files.
-- {footers of targets}: the footers of the targets of every task, with task, model, inputs ('' for none) and part.
-- {footers of every targets}: also those of the targets of replaced parts, for a view that selects the parts itself.
-- {version struct: deleted}: a struct that orders the versions of a PMID, followed by further columns. {version columns}:
--   the columns of the order. {version column NAME}: one of them, with its nulls replaced.
--
-- A view lists its columns, because DuckDB does not keep the order of several names after EXCLUDE.

-- article_versions: All rows of all article parts: versions of records, deletions, and rows without content, which record that a source had a known version again.
CREATE VIEW article_versions AS
-- DuckDB stores several names behind REPLACE in changing order, and the catalogue's fingerprint covers them.
SELECT * REPLACE ({version column record_class} AS record_class)
FROM (SELECT * REPLACE ({version column reader_version} AS reader_version) FROM {articles});

-- current_versions: The newest version of each PMID, without deleted ones. `record_hash` joins its content, and `text_hash` its entities.
CREATE VIEW current_versions AS
SELECT * FROM {current articles: pmid, as_of, record_hash, text_hash, record_class, reader_version, version};

-- articles: One row for each current PMID; models read `text`, and `as_of` is the last time the source had this version.
CREATE VIEW articles AS
SELECT pmid, title, abstract, concat_ws(' ', title, abstract) AS text, sections, journal, pub_date, year, authors,
       affiliations, mesh, keywords, publication_types, doi, pmcid, language, retracted, revised, as_of,
       chemicals, grants, journal_abbreviation, issn, volume, issue, pages, status, corrections, data_banks
FROM {current articles};

-- evidence_articles: The current articles that are evidence: neither retracted nor notices about other articles. `litmine ask` reads the same ones.
CREATE VIEW evidence_articles AS
-- A notice repeats the claim that it withdraws or corrects.
SELECT pmid, year FROM {current articles: pmid, year, retracted, publication_types, corrections}
WHERE NOT coalesce(retracted, false)
  AND NOT coalesce(list_has_any(publication_types,
      ['Retraction of Publication', 'Retraction Notice', 'Published Erratum', 'Expression of Concern']), false)
  AND NOT coalesce(list_has_any([one.kind FOR one IN corrections],
          ['RetractionOf', 'PartialRetractionOf', 'ErratumFor', 'ExpressionOfConcernFor'])
      AND NOT list_has_any([one.kind FOR one IN corrections],
          ['RetractedandRepublishedFrom', 'CorrectedandRepublishedFrom']), false);

-- quote: quote(text, start_char, end_char) is the part of a text between two offsets, such as a mention or a sentence.
CREATE MACRO quote(text, start_char, end_char) AS substr(text, start_char + 1, end_char - start_char);

-- parts: One row for each article part, with its number of rows, its number of new texts, and its source.
CREATE VIEW parts AS
SELECT parse_filename(file_name, true) AS part, footer.*
FROM (
    SELECT file_name, from_json(decode(value), '{"rows": "BIGINT", "texts": "BIGINT", "source": "VARCHAR"}') AS footer
    FROM {footers of articles}
    WHERE decode(key) = 'litmine'
);

-- files: One row for each dated file that was imported completely, so that it is not read again.
CREATE VIEW files AS
SELECT * FROM {files};

-- runs: One row for each command that wrote to the lake.
CREATE VIEW runs AS
SELECT * FROM {runs};

-- active_models: For each task, the models whose rows its view shows, from the latest run that set them. `types` are the entity types that the view shows from a model, null for all; `inputs` are the targets of other tasks that it reads.
CREATE VIEW active_models AS
WITH chosen AS (
    SELECT finished, run_id, one.task AS task, one.model AS model, one.inputs AS inputs, one.types AS types
    FROM (SELECT finished, run_id, unnest(active) AS one FROM runs)
    UNION ALL
    -- Runs of the first version of litmine recorded only taggers.
    SELECT finished, run_id, 'ner', unnest(active_models), NULL, NULL FROM runs
),
latest AS (
    SELECT task, model, inputs, types
    FROM chosen
    QUALIFY (finished, run_id) = max((finished, run_id)) OVER (PARTITION BY task)
)
-- Links of a tagger that is no longer active are shown nowhere.
SELECT task, model, inputs, types
FROM latest ANTI JOIN (
    SELECT task, inputs FROM latest JOIN {extensions} AS extending(task, extended) USING (task)
    WHERE (extended, inputs) NOT IN (SELECT (task, model) FROM latest)
) USING (task, inputs);

-- targets: One row for each part that a model has read: number of texts, failed texts, device, precision and time; `inputs` are the targets of other tasks that the model read.
CREATE VIEW targets AS
SELECT task, model, inputs, part, footer.*
FROM (
    SELECT task, model, inputs, part, from_json(decode(value), '{"texts": "BIGINT", "failed": [{"pmid": "BIGINT", "text_hash": "BIGINT",
        "why": "VARCHAR"}], "device": "VARCHAR", "precision": "VARCHAR", "seconds": "DOUBLE", "tokens": "BIGINT"}') AS footer
    FROM {footers of targets}
    WHERE decode(key) = 'litmine'
);

-- coverage: For each active model and each model with targets, the number of texts and parts that it has read and has not read yet, and of texts that it could not read.
CREATE VIEW coverage AS
-- The parts are listed only once, before the targets. If they were listed twice, a merge in between would make counts
-- wrong.
WITH counting AS MATERIALIZED (SELECT part, texts AS texts_in FROM parts),
read AS MATERIALIZED (
    SELECT task, model, inputs, part, footer.*
    FROM counting JOIN (
        SELECT task, model, inputs, part, from_json(decode(value), '{"texts": "BIGINT", "failed": ["JSON"]}') AS footer
        FROM {footers of every targets}
        WHERE decode(key) = 'litmine'
    ) USING (part)
),
active AS MATERIALIZED (SELECT DISTINCT task, model, coalesce(inputs, '') AS inputs FROM active_models),
known AS (SELECT task, model, inputs FROM read UNION SELECT task, model, inputs FROM active),
done AS (
    SELECT task, model, inputs, sum(texts - len(failed)) AS texts_read, sum(len(failed)) AS texts_failed, count(*) AS parts_read
    FROM read GROUP BY ALL
),
to_do AS (
    SELECT task, model, inputs, sum(texts_in) AS texts_unread, count(*) AS parts_unread
    FROM (FROM known CROSS JOIN counting) ANTI JOIN read USING (task, model, inputs, part) GROUP BY ALL
)
SELECT task, model, nullif(inputs, '') AS inputs, active.task IS NOT NULL AS active,
       coalesce(texts_read, 0)::BIGINT AS texts_read, coalesce(texts_unread, 0)::BIGINT AS texts_unread,
       coalesce(texts_failed, 0)::BIGINT AS texts_failed,
       coalesce(parts_read, 0) AS parts_read, coalesce(parts_unread, 0) AS parts_unread
FROM known LEFT JOIN active USING (task, model, inputs)
LEFT JOIN done USING (task, model, inputs) LEFT JOIN to_do USING (task, model, inputs)
ORDER BY ALL;

-- source_gaps: What imports and fetches could not read, and the reason, until a later run reads the same place of the same file or brings the PMID, or `litmine status --settle` settles it.
CREATE VIEW source_gaps AS
WITH logged AS (
    SELECT command, finished, false AS settles, unnest(gaps) AS gap FROM runs WHERE command IN ('import', 'fetch')
    UNION ALL
    SELECT command, finished, true, unnest(settled) FROM runs
),
-- Runs of a litmine without the column `settled` do not tell what they read, so only the gaps of the latest one count.
earlier AS (SELECT command, max(finished) AS finished FROM runs WHERE settled IS NULL GROUP BY command)
SELECT command, gap."where" AS what, gap.why AS why,
       try_cast(regexp_extract(gap."where", '^PMID ([0-9]+)$', 1) AS BIGINT) AS pmid, reported
FROM (
    SELECT max_by(command, finished) FILTER (NOT settles) AS command, gap,
           max(finished) FILTER (NOT settles) AS reported, max(finished) FILTER (settles) AS settled
    FROM logged GROUP BY gap
)
LEFT JOIN earlier USING (command)
WHERE reported > coalesce(settled, '-infinity') AND reported >= coalesce(finished, '-infinity');

-- gaps: What could not be read, and the reason: the texts that a model could not read, the files, records and PMIDs in `source_gaps`, and the parts that the latest annotate could not read.
CREATE VIEW gaps AS
WITH latest AS (
    SELECT command, unnest(gaps) AS gap
    FROM (
        FROM runs WHERE command IN ('annotate', 'annotate --questions')
        QUALIFY row_number() OVER (PARTITION BY command ORDER BY finished DESC) = 1
    )
)
SELECT task, model, inputs, part, failure.pmid AS pmid, failure.why AS why, concat('PMID ', failure.pmid) AS what
FROM (SELECT task, model, nullif(inputs, '') AS inputs, part, unnest(failed) AS failure FROM targets)
UNION ALL
SELECT DISTINCT task, model, NULL, NULL, pmid, failed, concat('PMID ', pmid) FROM {pairs} WHERE failed IS NOT NULL
UNION ALL
SELECT NULL, NULL, NULL, NULL, pmid, why, what FROM source_gaps
UNION ALL
-- Texts and questions that failed are rows of their own above.
SELECT DISTINCT NULL, NULL, NULL, nullif(regexp_extract(gap."where", '^articles/(.*)[.]parquet$', 1), ''), NULL, gap.why, gap."where"
FROM latest
WHERE NOT (starts_with(gap."where", 'PMID ') OR starts_with(gap."where", 'question '));
