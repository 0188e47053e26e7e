-- The views that `litmine sql` and the catalogue `lake.duckdb` show. Each is one statement after a comment `-- name: sentence`.
-- {TABLE} reads a table's files by their field ids (schemas/*.json), without those that a merged file has replaced;
-- {TABLE: pmid, as_of} reads some columns, which is quicker to set up; {footers of TABLE} reads footers, and
-- {footers of every entities} those of replaced parts' targets too, for a view that knows which parts count.

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
    FROM {articles: pmid, as_of, revised, record_hash, text_hash, deleted}
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
    FROM {footers of articles}
    WHERE decode(key) = 'litmine'
);

-- targets: One row for each part that a model has read: texts, those that failed, and how it was read.
CREATE VIEW targets AS
SELECT url_decode(regexp_extract(file_name, '/model=([^/]+)/[^/]+$', 1)) AS model,
       parse_filename(file_name, true) AS part, footer.*
FROM (
    SELECT file_name, from_json(decode(value), '{"texts": "BIGINT", "failed": [{"pmid": "BIGINT", "text_hash": "BIGINT",
        "why": "VARCHAR"}], "device": "VARCHAR", "precision": "VARCHAR", "seconds": "DOUBLE", "tokens": "BIGINT"}') AS footer
    FROM {footers of entities}
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
-- Parts are listed once, and targets after them: between two listings of parts a merge would hide what was read, or what
-- was not.
WITH counting AS MATERIALIZED (SELECT part, texts AS texts_in FROM parts),
read AS MATERIALIZED (
    SELECT url_decode(regexp_extract(file_name, '/model=([^/]+)/[^/]+$', 1)) AS model, part, footer.*
    FROM counting JOIN (
        SELECT file_name, from_json(decode(value), '{"texts": "BIGINT", "failed": ["JSON"]}') AS footer
        FROM {footers of every entities}
        WHERE decode(key) = 'litmine'
    ) ON part = parse_filename(file_name, true)
),
known AS (SELECT model FROM read UNION SELECT model FROM active_models),
done AS (
    SELECT model, sum(texts - len(failed)) AS texts_read, sum(len(failed)) AS texts_failed, count(*) AS parts_read
    FROM read GROUP BY model
),
to_do AS (
    SELECT model, sum(texts_in) AS texts_unread, count(*) AS parts_unread
    FROM (FROM known CROSS JOIN counting) ANTI JOIN read USING (model, part) GROUP BY model
)
SELECT model, model IN (SELECT model FROM active_models) AS active,
       coalesce(texts_read, 0)::BIGINT AS texts_read, coalesce(texts_unread, 0)::BIGINT AS texts_unread,
       coalesce(texts_failed, 0)::BIGINT AS texts_failed,
       coalesce(parts_read, 0) AS parts_read, coalesce(parts_unread, 0) AS parts_unread
FROM known LEFT JOIN done USING (model) LEFT JOIN to_do USING (model)
ORDER BY model;

-- questions: One row for each question and reader that was asked it, as it was asked last; `answers` shows the `active` reader's, the last one asked.
CREATE VIEW questions AS
SELECT question_id, question, question_type, guessed, model,
       row_number() OVER (PARTITION BY question_id ORDER BY asked_at DESC, run DESC) = 1 AS active,
       top_k, filter, asked_at, question_digest, run
FROM {questions}
QUALIFY row_number() OVER (PARTITION BY question_id, model ORDER BY asked_at DESC, run DESC) = 1;

-- retrieved: The articles that each question was last read over, the best first: `rank`, and BM25 `score` that compares within a question only.
CREATE VIEW retrieved AS
SELECT question_id, model, pmid, text_hash, score, rank, question_digest
FROM questions JOIN {retrieved} USING (question_digest, run);

-- readings: What readers made of questions and texts: each span that may answer, or one row without a span; also of texts that are no longer current.
CREATE VIEW readings AS
SELECT url_decode(regexp_extract(filename, '/model=([^/]+)/[^/]+$', 1)) AS model, * EXCLUDE (filename),
       parse_filename(filename, true) AS slice
FROM {readings};

-- unretracted_texts: For each current PMID that is not retracted, the hash of its text: what questions are answered from.
CREATE VIEW unretracted_texts AS
SELECT pmid, text_hash
FROM current_versions JOIN {articles: pmid, record_hash, repeated, retracted} USING (pmid, record_hash)
WHERE NOT repeated AND NOT coalesce(retracted, false);

-- all_answers: As `answers`, of every reader that was asked.
CREATE VIEW all_answers AS
WITH read AS (
    SELECT questions.question_id, question, question_type, active, readings.*
    FROM questions
    JOIN retrieved USING (question_id, model, question_digest)
    JOIN readings USING (model, question_digest, pmid, text_hash)
    JOIN unretracted_texts USING (pmid, text_hash)
    WHERE failed IS NULL
    -- Two runs at once may both have read a pair.
    QUALIFY slice = min(slice) OVER (PARTITION BY question_id, model, pmid)
),
verdicts AS (
    -- What a text says to a yes/no question; null when it rather says neither.
    SELECT *, CASE WHEN question_type = 'yesno' AND yes + coalesce(no, 1 - yes) >= 0.5 THEN yes >= coalesce(no, 1 - yes) END AS verdict
    FROM read
),
said AS (
    SELECT * REPLACE (
               CASE WHEN question_type <> 'yesno' THEN answer WHEN verdict THEN 'yes' WHEN NOT verdict THEN 'no' END AS answer,
               -- One answer is sought to a factoid: the spans of a text compete, each by its odds against "no answer".
               CASE question_type
                   WHEN 'factoid' THEN least(score, no_answer * score / nullif(1::DOUBLE - score, 0))
                   WHEN 'list' THEN score
                   ELSE CASE WHEN verdict THEN yes WHEN NOT verdict THEN coalesce(no, 1 - yes) END
               END::FLOAT AS score),
           score AS span_score,
           -- Equal answers: without case, leading article, quotes and brackets; hyphens as spaces, and none between letter and digit.
           CASE WHEN question_type = 'yesno' THEN verdict::VARCHAR ELSE coalesce(nullif(trim(
               regexp_replace(regexp_replace(regexp_replace(regexp_replace(lower(answer),
                   '^(the|an|a)\s+', ''), '["''‘’“”()\[\]{}]', '', 'g'), '[\s\p{Pd}]+', ' ', 'g'), '(\pL) (\pN)', '\1\2', 'g'),
               ' .,;:!?/'), ''), lower(answer)) END AS key
    FROM verdicts
    -- Spans that overlap are several ways to say one thing: a factoid's are ranked, of a list's one is given.
    WHERE question_type = 'factoid' OR NOT coalesce(variant, false)
),
merged AS (
    SELECT *, count(*) OVER same AS papers, sum(score) OVER same AS total
    -- An answer counts once a paper, by its best span there; a verdict has the sentence of the paper's best span.
    FROM (FROM said QUALIFY row_number() OVER (PARTITION BY question_id, model, pmid, key ORDER BY span_score DESC NULLS LAST, start_char) = 1)
    WINDOW same AS (PARTITION BY question_id, model, key)
)
SELECT question_id, question, question_type, pmid, answer,
       CASE WHEN question_type <> 'yesno' THEN start_char END AS start_char,
       CASE WHEN question_type <> 'yesno' THEN end_char END AS end_char,
       CASE WHEN question_type <> 'yesno' THEN start_token END AS start_token,
       CASE WHEN question_type <> 'yesno' THEN end_token END AS end_token,
       evidence_start, evidence_end,
       CASE WHEN key IS NOT NULL THEN papers END AS support, score,
       CASE WHEN key IS NOT NULL THEN dense_rank() OVER (
           PARTITION BY question_id, model ORDER BY key IS NULL, total DESC, key) END AS rank,
       model, active
FROM merged
-- Of a list the answers that come near the best one, as `LIST_SHARE` has it in what judges readers.
QUALIFY key IS NULL OR question_type <> 'list' OR total >= 0.4 * max(total) OVER (PARTITION BY question_id, model);

-- answers: One row for each question, answer and paper that gives it, or null where a paper gives none; `rank` orders a question's answers by their papers' summed scores, `support` counts the papers; the spans of a paper compete for a factoid, so that its `score` may be lower than in `readings`.
CREATE VIEW answers AS
SELECT * EXCLUDE (active) FROM all_answers WHERE active;

-- question_coverage: For each question and reader: the articles retrieved, of them read, to read, failed, and no longer as they were read (revised, deleted, retracted).
CREATE VIEW question_coverage AS
SELECT question_id, model, any_value(active) AS active, count(pmid) AS retrieved,
       count(*) FILTER (readings.pmid IS NOT NULL AND failed IS NULL) AS read,
       count(*) FILTER (readings.pmid IS NULL AND pmid IS NOT NULL) AS unread,
       count(failed) AS failed,
       count(*) FILTER (pmid IS NOT NULL AND unretracted_texts.pmid IS NULL) AS outdated
FROM questions
LEFT JOIN retrieved USING (question_id, model, question_digest)
LEFT JOIN (SELECT question_digest, model, pmid, text_hash, min(failed) AS failed FROM readings GROUP BY ALL) AS readings
    USING (question_digest, model, pmid, text_hash)
LEFT JOIN unretracted_texts USING (pmid, text_hash)
GROUP BY question_id, model
ORDER BY question_id, model;

-- gaps: The texts that a model could not read, and why.
CREATE VIEW gaps AS
SELECT model, part, failure.pmid AS pmid, failure.why AS why
FROM (SELECT model, part, unnest(failed) AS failure FROM targets)
UNION ALL
SELECT DISTINCT model, NULL, pmid, failed FROM readings WHERE failed IS NOT NULL;
