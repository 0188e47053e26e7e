-- The views that every lake has; those of a task stand in schemas/<its table>.sql. `litmine sql` and the catalogue
-- `lake.duckdb` show them. Each is one statement after a comment `-- name: sentence`.
-- {TABLE} reads a table's files by their field ids (schemas/*.json), without those that a merged file has replaced;
-- {TABLE: pmid, as_of} reads some columns, which is quicker to set up. A table of a task has its `model` too, and of
-- article parts `inputs`: which targets of other tasks it is made of, null for none. {pairs} reads every task of
-- questions and texts. {footers of TABLE} reads footers; {footers of targets} those of every task's targets with their
-- task, model, inputs ('' for none) and part, and {footers of every targets} those of replaced parts' targets too, for a
-- view that knows which parts count. {version struct: deleted} orders versions of a PMID, with columns that they share;
-- {version columns} are its columns, {version column NAME} is one of them, never null. DuckDB forgets the order of several names behind EXCLUDE: a view names its columns.

-- article_versions: Every row of every article part: each version of a record once, when it was seen again, and deletions.
CREATE VIEW article_versions AS
SELECT * REPLACE ({version column record_class} AS record_class, {version column reader_version} AS reader_version)
FROM {articles};

-- current_versions: For each PMID that is not deleted, its newest version: when it was last seen, and the hashes that join its content and its entities.
CREATE VIEW current_versions AS
SELECT pmid, newest.as_of AS as_of, newest.record_hash AS record_hash, newest.text_hash AS text_hash,
       newest.record_class AS record_class, newest.reader_version AS reader_version
FROM (
    -- One narrow value a PMID: a window over whole rows needs three times the memory.
    SELECT pmid, max({version struct: text_hash, deleted}) AS newest
    FROM {articles: pmid, {version columns}, text_hash, deleted}
    GROUP BY pmid
)
WHERE NOT newest.deleted;

-- articles: One row for each current PMID; `text` is what models read, `as_of` when its source last said so.
CREATE VIEW articles AS
SELECT pmid, title, abstract, concat_ws(' ', title, abstract) AS text, sections, journal, pub_date, year, authors,
       affiliations, mesh, keywords, publication_types, doi, pmcid, language, retracted, revised, current_versions.as_of AS as_of,
       chemicals, grants, journal_abbreviation, issn, volume, issue, pages, status, corrections
FROM current_versions JOIN article_versions USING (pmid, record_hash)
WHERE NOT repeated;

-- parts: One row for each article part: its rows, how many of them carry a text that models read, and its source.
CREATE VIEW parts AS
SELECT parse_filename(file_name, true) AS part, footer.*
FROM (
    SELECT file_name, from_json(decode(value), '{"rows": "BIGINT", "texts": "BIGINT", "source": "VARCHAR"}') AS footer
    FROM {footers of articles}
    WHERE decode(key) = 'litmine'
);

-- files: One row for each dated file that was imported whole, and is passed over from then on.
CREATE VIEW files AS
SELECT * FROM {files};

-- runs: One row for each command that wrote to the lake.
CREATE VIEW runs AS
SELECT * FROM {runs};

-- active_models: For each task the models that its view shows, those of the latest run that chose any: `types` are shown of a model, null for all; `inputs` says which targets of other tasks its own are made of.
CREATE VIEW active_models AS
WITH chosen AS (
    SELECT finished, run_id, one.task AS task, one.model AS model, one.inputs AS inputs, one.types AS types
    FROM (SELECT finished, run_id, unnest(active) AS one FROM runs)
    UNION ALL
    -- Runs of the first litmine named taggers alone.
    SELECT finished, run_id, 'ner', unnest(active_models), NULL, NULL FROM runs
)
SELECT task, model, inputs, types
FROM chosen
QUALIFY (finished, run_id) = max((finished, run_id)) OVER (PARTITION BY task);

-- targets: One row for each part that a model has read: texts, those that failed, and how it was read; `inputs` says which targets of other tasks it was made of.
CREATE VIEW targets AS
SELECT task, model, inputs, part, footer.*
FROM (
    SELECT task, model, inputs, part, from_json(decode(value), '{"texts": "BIGINT", "failed": [{"pmid": "BIGINT", "text_hash": "BIGINT",
        "why": "VARCHAR"}], "device": "VARCHAR", "precision": "VARCHAR", "seconds": "DOUBLE", "tokens": "BIGINT"}') AS footer
    FROM {footers of targets}
    WHERE decode(key) = 'litmine'
);

-- coverage: For each model that the lake knows: the texts it has read, has yet to read and could not read, and its parts.
CREATE VIEW coverage AS
-- Parts are listed once, and targets after them: between two listings of parts a merge would hide what was read, or what
-- was not.
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

-- gaps: The texts that a model could not read, and why.
CREATE VIEW gaps AS
SELECT task, model, inputs, part, failure.pmid AS pmid, failure.why AS why
FROM (SELECT task, model, nullif(inputs, '') AS inputs, part, unnest(failed) AS failure FROM targets)
UNION ALL
SELECT DISTINCT task, model, NULL, NULL, pmid, failed FROM {pairs} WHERE failed IS NOT NULL;
