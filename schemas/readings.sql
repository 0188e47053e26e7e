-- The views of questions and answers.

-- questions: One row for each question and reader, as last asked. `answers` shows the rows of the `active` reader, the last one asked.
CREATE VIEW questions AS
SELECT question_id, question, question_type, guessed, model,
       row_number() OVER (PARTITION BY question_id ORDER BY asked_at DESC, run DESC) = 1 AS active,
       top_k, filter, asked_at, question_digest, run
FROM {questions}
QUALIFY row_number() OVER (PARTITION BY question_id, model ORDER BY asked_at DESC, run DESC) = 1;

-- retrieved: The articles last retrieved for each question, with their `rank` and BM25 `score`, which is comparable only within a question.
CREATE VIEW retrieved AS
SELECT question_id, model, pmid, text_hash, score, rank, question_digest
FROM questions JOIN {retrieved} USING (question_digest, run);

-- readings: The output of readers for pairs of a question and a text, including texts that are no longer current: one row for each possible answer span, or one row without a span.
CREATE VIEW readings AS
SELECT * FROM {readings};

-- unretracted_texts: The hash of the text of each current PMID that is not retracted; questions are answered from these texts.
CREATE VIEW unretracted_texts AS
SELECT pmid, text_hash FROM {current articles: pmid, text_hash, retracted} WHERE NOT coalesce(retracted, false);

-- all_answers: The same as `answers`, but from every reader.
CREATE VIEW all_answers AS
WITH read AS (
    SELECT questions.question_id, question, question_type, active, readings.*
    FROM questions
    JOIN retrieved USING (question_id, model, question_digest)
    JOIN readings USING (model, question_digest, pmid, text_hash)
    JOIN unretracted_texts USING (pmid, text_hash)
    WHERE failed IS NULL
    -- Two runs at the same time may both have read a pair.
    QUALIFY slice = min(slice) OVER (PARTITION BY question_id, model, pmid)
),
verdicts AS (
    -- The answer of a text to a yes/no question; null if neither is more likely.
    SELECT *, CASE WHEN question_type = 'yesno' AND yes + coalesce(no, 1 - yes) >= 0.5 THEN yes >= coalesce(no, 1 - yes) END AS verdict
    FROM read
),
scored AS (
    SELECT * REPLACE (
               CASE WHEN question_type <> 'yesno' THEN answer WHEN verdict THEN 'yes' WHEN NOT verdict THEN 'no' END AS answer,
               -- A factoid has one answer, so the spans of a text compete, each by its odds against "no answer".
               CASE question_type
                   WHEN 'factoid' THEN least(score, no_answer * score / nullif(1::DOUBLE - score, 0))
                   WHEN 'list' THEN score
                   ELSE CASE WHEN verdict THEN yes WHEN NOT verdict THEN coalesce(no, 1 - yes) END
               END::FLOAT AS score),
           score AS span_score,
           -- Answers are equal regardless of case, leading article, quotes and brackets; a hyphen counts as a space, which is removed between letter and digit.
           CASE WHEN question_type = 'yesno' THEN verdict::VARCHAR ELSE coalesce(nullif(trim(
               regexp_replace(regexp_replace(regexp_replace(regexp_replace(lower(answer),
                   '^(the|an|a)\s+', ''), '["''‘’“”()\[\]{}]', '', 'g'), '[\s\p{Pd}]+', ' ', 'g'), '(\pL) (\pN)', '\1\2', 'g'),
               ' .,;:!?/'), ''), lower(answer)) END AS key
    FROM verdicts
    -- Overlapping spans are variants of one answer: a factoid ranks them all, a list shows only the best.
    WHERE question_type = 'factoid' OR NOT coalesce(variant, false)
),
merged AS (
    SELECT *, count(*) OVER same AS papers, sum(score) OVER same AS total
    -- An answer counts once per paper, by its best span there; a yes/no answer has the sentence of the paper's best span.
    FROM (FROM scored QUALIFY row_number() OVER (PARTITION BY question_id, model, pmid, key ORDER BY span_score DESC NULLS LAST, start_char, end_char) = 1)
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
-- For a list question, only answers whose total score is near that of the best one.
QUALIFY key IS NULL OR question_type <> 'list' OR total >= 0.4 * max(total) OVER (PARTITION BY question_id, model);

-- answers: One row for each question, answer and paper that gives it; `answer` is null for a paper that gives none. `rank` orders a question's answers by the sum of their papers' scores, and `support` counts the papers. The answers to a factoid question in one paper compete, so `score` may be lower than in `readings`. The answers to a yes/no question are the reader's verdicts, little better than chance; `ask` shows them only with `--verdict`.
CREATE VIEW answers AS
SELECT * EXCLUDE (active) FROM all_answers WHERE active;

-- question_coverage: For each question and reader, the number of retrieved articles, and how many of them are read, not read yet, failed, or outdated (revised, deleted or retracted since then).
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
