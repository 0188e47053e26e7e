-- The views that `litmine sql` and the catalogue `lake.duckdb` show. Each is one statement after a comment `-- name: sentence`.
-- {lake} is the lake's path; {articles}, {entities}, {files} and {runs} read a table's files by their field ids (schemas/*.json).

-- article_versions: Every row of every article part: each version of a record once, when it was seen again, and deletions.
CREATE VIEW article_versions AS
SELECT * FROM {articles};

-- current_versions: For each PMID that is not deleted, its newest version: when it was last seen, and the hashes that join its content and its entities.
CREATE VIEW current_versions AS
SELECT pmid, newest.as_of AS as_of, newest.record_hash AS record_hash, newest.text_hash AS text_hash
FROM (
    -- One narrow value a PMID: a window over whole rows needs three times the memory.
    SELECT pmid, max({'as_of': as_of, 'revised': coalesce(revised, DATE '0001-01-01'), 'record_hash': record_hash,
                      'text_hash': text_hash, 'deleted': deleted}) AS newest
    FROM article_versions
    GROUP BY pmid
)
WHERE NOT newest.deleted;

-- articles: One row for each current PMID; `text` is what models read, `as_of` when its source last said so.
CREATE VIEW articles AS
SELECT pmid, title, abstract, concat_ws(' ', title, abstract) AS text, sections, journal, pub_date, year, authors, mesh,
       keywords, publication_types, doi, pmcid, language, retracted, revised, current_versions.as_of AS as_of
FROM current_versions JOIN article_versions USING (pmid, record_hash)
WHERE NOT repeated;

-- parts: One row for each article part: its rows, how many of them carry a text that models read, and its source.
CREATE VIEW parts AS
SELECT parse_filename(file_name, true) AS part, footer.*
FROM (
    SELECT file_name, from_json(decode(value), '{"rows": "BIGINT", "texts": "BIGINT", "source": "VARCHAR"}') AS footer
    FROM parquet_kv_metadata('{lake}/articles/*.parquet')
    WHERE decode(key) = 'litmine'
);

-- targets: One row for each part that a model has read: texts, those that failed, and how it was read.
CREATE VIEW targets AS
SELECT url_decode(regexp_extract(file_name, '/model=([^/]+)/[^/]+$', 1)) AS model,
       parse_filename(file_name, true) AS part, footer.*
FROM (
    SELECT file_name, from_json(decode(value), '{"texts": "BIGINT", "failed": [{"pmid": "BIGINT", "text_hash": "BIGINT",
        "why": "VARCHAR"}], "device": "VARCHAR", "precision": "VARCHAR", "seconds": "DOUBLE", "tokens": "BIGINT"}') AS footer
    FROM parquet_kv_metadata('{lake}/entities/*/*.parquet')
    WHERE decode(key) = 'litmine'
);

-- files: One row for each dated file that was imported whole, and is passed over from then on.
CREATE VIEW files AS
SELECT * FROM {files};

-- runs: One row for each command that wrote to the lake.
CREATE VIEW runs AS
SELECT * FROM {runs};

-- active_models: The models that `entities` shows: those of the latest run that chose any.
CREATE VIEW active_models AS
SELECT unnest(active_models) AS model
FROM (SELECT active_models FROM runs WHERE active_models IS NOT NULL ORDER BY finished DESC, run_id DESC LIMIT 1);

-- all_entities: The mentions that each model found in the current texts; offsets are code points of `articles.text`, end exclusive.
CREATE VIEW all_entities AS
SELECT pmid, start_char, end_char, mention, entity_type, score, identifier,
       -- From the file's name and not hive_partitioning, which cannot be combined with reading by field ids; files are passed over all the same.
       url_decode(regexp_extract(filename, '/model=([^/]+)/[^/]+$', 1)) AS model
FROM {entities} JOIN current_versions USING (pmid, text_hash);

-- entities: The mentions that the active models found in the current texts.
CREATE VIEW entities AS
SELECT * FROM all_entities WHERE model IN (SELECT model FROM active_models);

-- coverage: For each model that the lake knows: the texts it has read, has yet to read and could not read, and its parts.
CREATE VIEW coverage AS
SELECT model, model IN (SELECT model FROM active_models) AS active,
       coalesce(sum(targets.texts - len(failed)), 0)::BIGINT AS texts_read,
       coalesce(sum(parts.texts) FILTER (targets.part IS NULL), 0)::BIGINT AS texts_unread,
       coalesce(sum(len(failed)), 0)::BIGINT AS texts_failed,
       count(targets.part) AS parts_read,
       count(parts.part) FILTER (targets.part IS NULL) AS parts_unread
FROM (SELECT model FROM targets UNION SELECT model FROM active_models)
LEFT JOIN parts ON true
LEFT JOIN targets USING (model, part)
GROUP BY model
ORDER BY model;

-- gaps: The texts that a model could not read, and why.
CREATE VIEW gaps AS
SELECT model, part, failure.pmid AS pmid, failure.why AS why
FROM (SELECT model, part, unnest(failed) AS failure FROM targets);
