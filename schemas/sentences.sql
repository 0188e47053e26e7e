-- The views of sentences.

-- all_sentences: The same as `sentences`, but by every version of the rules.
CREATE VIEW all_sentences AS
SELECT pmid, position, start_char, end_char, section, model
FROM {current sentences};

-- sentences: One row for each sentence of the current texts; `position` counts from 0, and `section` is TITLE or the label in the abstract, null without one.
CREATE VIEW sentences AS
SELECT * FROM all_sentences
WHERE {active sentences};

-- entity_pairs: Two mentions of the active models in one sentence, with the sentence as `quote`, in both orders; mentions that overlap are no pair.
CREATE VIEW entity_pairs AS
WITH placed AS (
    SELECT pmid, position, section, sentences.start_char AS sentence_start, sentences.end_char AS sentence_end,
           entities.start_char AS start_char, entities.end_char AS end_char, mention, entity_type, score, identifier
    FROM entities JOIN sentences USING (pmid)
    WHERE entities.start_char >= sentences.start_char AND entities.start_char < sentences.end_char
)
SELECT pmid, position, one.section AS section,
       one.mention AS mention_1, one.entity_type AS entity_type_1, one.identifier AS identifier_1, one.score AS score_1,
       one.start_char AS start_char_1, one.end_char AS end_char_1,
       other.mention AS mention_2, other.entity_type AS entity_type_2, other.identifier AS identifier_2, other.score AS score_2,
       other.start_char AS start_char_2, other.end_char AS end_char_2,
       one.sentence_start AS sentence_start, one.sentence_end AS sentence_end,
       substr(text, one.sentence_start + 1, one.sentence_end - one.sentence_start) AS quote
FROM placed AS one JOIN placed AS other USING (pmid, position)
JOIN (SELECT pmid, concat_ws(' ', title, abstract) AS text FROM articles) USING (pmid)
WHERE one.end_char <= other.start_char OR other.end_char <= one.start_char;
