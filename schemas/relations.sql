-- The views of relations.

-- all_relations: The relations that every model found in the current texts, without those of an identifier to itself or of mentions that overlap; `inputs` is what its mentions are from.
CREATE VIEW all_relations AS
SELECT pmid, relation_type, subject_start, subject_end, subject, subject_type, subject_id,
       object_start, object_end, object, object_type, object_id, evidence_start, evidence_end,
       negated, speculated, score, model, inputs
FROM {current relations}
WHERE coalesce(subject_id <> object_id, true)
    -- A drug may be part of the name of its effect ("lithium toxicity"); no corpus relates other mentions that overlap (record 0201).
    AND (relation_type IN ('adverse_effect', 'treats') OR subject_end <= object_start OR object_end <= subject_start);

-- relations: The relations of the active model, one row for each pair of mentions and relation type; retracted articles are among them (`retracted` in `articles`).
CREATE VIEW relations AS
SELECT * FROM all_relations
WHERE {active relations};

-- all_document_relations: The same as `document_relations`, of every model.
CREATE VIEW all_document_relations AS
WITH by_subject AS (
    -- A composite mention stands for each of its identifiers.
    SELECT pmid, relation_type, unnest(string_split(subject_id, '|')) AS first_id, subject, subject_type, subject_start,
           object_id, object, object_type, object_start, evidence_start, evidence_end,
           NOT negated AND NOT speculated AS asserted, score, model, inputs
    FROM all_relations WHERE subject_id IS NOT NULL AND object_id IS NOT NULL
),
by_pair AS (
    SELECT pmid, relation_type, first_id, unnest(string_split(object_id, '|')) AS second_id, subject_type, object_type,
           subject, object, subject_start, object_start, evidence_start, evidence_end, asserted, score, model, inputs
    FROM by_subject
),
-- Of two identifiers of one type, the first by name is the subject, because relations of one type are symmetric.
ordered AS (
    SELECT pmid, relation_type, subject_type, object_type, asserted, model, inputs,
           subject_type = object_type AND first_id > second_id AS turned,
           CASE WHEN turned THEN second_id ELSE first_id END AS subject_id,
           CASE WHEN turned THEN first_id ELSE second_id END AS object_id,
           {'subject': CASE WHEN turned THEN object ELSE subject END, 'object': CASE WHEN turned THEN subject ELSE object END,
            'score': score, 'evidence_start': evidence_start, 'evidence_end': evidence_end} AS found,
           {'asserted': asserted, 'score': score, 'start': -subject_start, 'object': -object_start} AS rank
    FROM by_pair WHERE first_id <> second_id
),
grouped AS (
    SELECT pmid, relation_type, subject_id, subject_type, object_id, object_type, model, inputs,
           count(*) AS mention_pairs, bool_or(asserted) AS asserted, arg_max(found, rank) AS best
    FROM ordered GROUP BY ALL
)
SELECT pmid, relation_type, subject_id, subject_type, best.subject AS subject, object_id, object_type, best.object AS object,
       mention_pairs, asserted, best.score AS score, best.evidence_start AS evidence_start, best.evidence_end AS evidence_end,
       substr(text, best.evidence_start + 1, best.evidence_end - best.evidence_start) AS quote, year, retracted, model, inputs
FROM grouped JOIN (SELECT pmid, concat_ws(' ', title, abstract) AS text, year, retracted FROM articles) USING (pmid);

-- document_relations: One row for each article, relation type and pair of identifiers that the active model relates: the best pair of mentions with its evidence as `quote`, and whether the article states it; of retracted articles too.
CREATE VIEW document_relations AS
SELECT * FROM all_document_relations
WHERE {active relations};

-- all_adverse_events: The adverse events that every model of relations found: pairs of mentions of a drug and of an event that are related as `adverse_effect`, or as `induces` within a sentence where the event is a Disease, unless `treats` has a higher score or the event is an improvement.
CREATE VIEW all_adverse_events AS
WITH related AS (
    SELECT pmid, subject AS drug, subject_start AS drug_start, subject_end AS drug_end, subject_id AS drug_id,
           object AS event, object_start AS event_start, object_end AS event_end, object_id AS event_id,
           evidence_start, evidence_end, score, negated, speculated, relation_type, model, inputs
    FROM all_relations
    WHERE relation_type IN ('adverse_effect', 'treats') OR (relation_type = 'induces' AND object_type = 'Disease')
),
-- Of 20 pairs of `induces` within a sentence 13 were right, of 20 across sentences 3 (record 0198).
across AS (
    SELECT DISTINCT related.pmid, drug_start, event_start
    FROM related JOIN (SELECT pmid, start_char FROM {current sentences} WHERE {active sentences}) AS sentences
        ON sentences.pmid = related.pmid AND start_char > least(drug_start, event_start) AND start_char <= greatest(drug_start, event_start)
    WHERE relation_type = 'induces'
),
treated AS (SELECT * FROM related WHERE relation_type = 'treats')
SELECT * FROM related
-- What a drug is given for is no adverse event of it, whether the text says that it helps, doubts it or denies it.
ANTI JOIN treated ON related.pmid = treated.pmid AND related.model = treated.model AND related.inputs = treated.inputs
    AND related.score <= treated.score
    AND ((related.drug_start = treated.drug_start AND related.drug_end = treated.drug_end
          AND related.event_start = treated.event_start AND related.event_end = treated.event_end)
         OR (list_has_any(string_split(related.drug_id, '|'), string_split(treated.drug_id, '|'))
             AND list_has_any(string_split(related.event_id, '|'), string_split(treated.event_id, '|'))))
WHERE (relation_type = 'adverse_effect'
       OR (relation_type = 'induces' AND (pmid, drug_start, event_start) NOT IN (FROM across)))
    -- What a drug is given for: a lower blood pressure, an improvement (record 0201).
    AND NOT regexp_matches(event, '(?i)\b(reduc\w*|decreas\w*|lower\w*|falls?|declin\w*)\b.*((blood|arterial|systolic|diastolic|portal|venous|intraocular) (\w+ )?pressures?|\b[sd]?bp\b)')
    AND NOT regexp_matches(event, '(?i)((blood|arterial|systolic|diastolic|portal|venous|intraocular) (\w+ )?pressures?|\b[sd]?bp\b).*\b(reduc|decreas|lower|falls?|declin)|\b(improv(e[sd]?|ing|ements?)|fewer|better)\b')
-- Where both types relate the same two spans, the one with both identifiers counts, then the one with the higher score.
QUALIFY row_number() OVER (
    PARTITION BY model, inputs, pmid, drug_start, drug_end, event_start, event_end
    ORDER BY drug_id IS NULL OR event_id IS NULL, score DESC, relation_type) = 1;

-- adverse_events: The adverse events of the active model, one row for each pair of mentions, also those that the text denies (`negated`) or supposes (`speculated`).
CREATE VIEW adverse_events AS
SELECT * FROM all_adverse_events
WHERE {active relations};

-- disproportionality: disproportionality(a, b, c, d) is a struct of the measures of a table of reports: PRR, ROR and information component, each with its 95 % interval. PRR and ROR are null where a cell that they divide by is empty.
CREATE MACRO disproportionality(a, b, c, d) AS {
    -- Evans et al. 2001 (doi:10.1002/pds.677); the interval is that of a ratio of two proportions.
    prr: a * (c + d)::DOUBLE / ((a + b) * nullif(c, 0)),
    prr025: exp(ln(nullif(a, 0) * (c + d)::DOUBLE / ((a + b) * nullif(c, 0)))
                - 1.96 * sqrt(1 / nullif(a, 0)::DOUBLE - 1 / (a + b)::DOUBLE + 1 / nullif(c, 0)::DOUBLE - 1 / (c + d)::DOUBLE)),
    prr975: exp(ln(nullif(a, 0) * (c + d)::DOUBLE / ((a + b) * nullif(c, 0)))
                + 1.96 * sqrt(1 / nullif(a, 0)::DOUBLE - 1 / (a + b)::DOUBLE + 1 / nullif(c, 0)::DOUBLE - 1 / (c + d)::DOUBLE)),
    -- van Puijenbroek et al. 2002 (doi:10.1002/pds.668); Rothman et al. 2004 (doi:10.1002/pds.1001).
    ror: a * d::DOUBLE / (nullif(b, 0) * nullif(c, 0)),
    ror025: exp(ln(nullif(a, 0) * nullif(d, 0)::DOUBLE / (nullif(b, 0) * nullif(c, 0)))
                - 1.96 * sqrt(1 / nullif(a, 0)::DOUBLE + 1 / nullif(b, 0)::DOUBLE + 1 / nullif(c, 0)::DOUBLE + 1 / nullif(d, 0)::DOUBLE)),
    ror975: exp(ln(nullif(a, 0) * nullif(d, 0)::DOUBLE / (nullif(b, 0) * nullif(c, 0)))
                + 1.96 * sqrt(1 / nullif(a, 0)::DOUBLE + 1 / nullif(b, 0)::DOUBLE + 1 / nullif(c, 0)::DOUBLE + 1 / nullif(d, 0)::DOUBLE)),
    -- Bate et al. 1998 (doi:10.1007/s002280050466); shrinkage and interval of Norén et al. 2013 (doi:10.1177/0962280211403604).
    ic: log2((a + 0.5) / (coalesce((a + b) * (a + c)::DOUBLE / nullif(a + b + c + d, 0), 0) + 0.5)),
    ic025: log2((a + 0.5) / (coalesce((a + b) * (a + c)::DOUBLE / nullif(a + b + c + d, 0), 0) + 0.5))
           - 3.3 * (a + 0.5) ^ (-0.5) - 2 * (a + 0.5) ^ (-1.5),
    ic975: log2((a + 0.5) / (coalesce((a + b) * (a + c)::DOUBLE / nullif(a + b + c + d, 0), 0) + 0.5))
           + 2.4 * (a + 0.5) ^ (-0.5) - 0.5 * (a + 0.5) ^ (-1.5)
};

-- adverse_event_signals: One row for each drug and event of which an article asserts that the drug causes the event: how many articles do, and whether they are more than the other drugs and events let expect. Counts are of articles that are neither retracted nor notices, and that mention a linked drug and a linked effect.
CREATE VIEW adverse_event_signals AS
-- Each identifier of a composite mention counts.
WITH reported AS MATERIALIZED (
    SELECT pmid, drug_id, event_id, bool_or(asserted) AS asserted, min(drug) AS drug, min(event) AS event
    FROM (
        SELECT pmid, drug_id, unnest(string_split(event_id, '|')) AS event_id, asserted, drug, event
        FROM (
            SELECT pmid, unnest(string_split(drug_id, '|')) AS drug_id, event_id,
                   NOT negated AND NOT speculated AS asserted, drug, event
            FROM adverse_events WHERE drug_id IS NOT NULL AND event_id IS NOT NULL
        )
    )
    GROUP BY pmid, drug_id, event_id
),
with_effect AS (
    SELECT pmid FROM entities WHERE entity_type = 'AdverseEffect' AND identifier IS NOT NULL
    UNION SELECT pmid FROM reported
),
-- The drugs that each article of the universe mentions.
mentioned AS MATERIALIZED (
    SELECT DISTINCT pmid, drug_id
    FROM (
        SELECT pmid, unnest(string_split(identifier, '|')) AS drug_id
        FROM entities SEMI JOIN with_effect USING (pmid)
        WHERE entity_type = 'Chemical' AND identifier IS NOT NULL
        UNION ALL SELECT pmid, drug_id FROM reported
    )
    SEMI JOIN evidence_articles USING (pmid)
),
asserting AS MATERIALIZED (
    SELECT pmid, drug_id, event_id, drug, event, year FROM reported JOIN evidence_articles USING (pmid) WHERE asserted
),
pairs AS MATERIALIZED (
    SELECT drug_id, event_id, min(drug) AS drug, min(event) AS event, count(*) AS a, min(year) AS first_year, max(year) AS last_year
    FROM asserting GROUP BY drug_id, event_id
),
of_event AS (SELECT DISTINCT pmid, event_id FROM asserting),
by_drug AS (SELECT drug_id, count(*) AS articles FROM mentioned GROUP BY drug_id),
by_event AS (SELECT event_id, count(*) AS articles FROM of_event GROUP BY event_id),
-- The articles that mention the drug and assert the event of any drug.
both_in_article AS (
    SELECT drug_id, event_id, count(*) AS articles
    FROM of_event JOIN mentioned USING (pmid) SEMI JOIN pairs USING (drug_id, event_id)
    GROUP BY drug_id, event_id
),
tables AS (
    SELECT pairs.*, by_drug.articles - a AS b, by_event.articles - both_in_article.articles AS c,
           total.articles - by_drug.articles - (by_event.articles - both_in_article.articles) AS d
    FROM pairs JOIN by_drug USING (drug_id) JOIN by_event USING (event_id) JOIN both_in_article USING (drug_id, event_id)
    CROSS JOIN (SELECT count(DISTINCT pmid) AS articles FROM mentioned) AS total
),
concept_names AS (
    SELECT identifier, coalesce(min(name) FILTER (vocabulary), min(name)) AS name
    FROM (
        SELECT identifier, name, true AS vocabulary
        FROM vocabularies SEMI JOIN (SELECT model AS linker FROM active_models WHERE task = 'linking') USING (linker)
        UNION ALL
        SELECT unnest(string_split(identifier, '|')), name, false
        FROM terms SEMI JOIN (SELECT model FROM active_models WHERE task = 'ner') USING (model)
    )
    GROUP BY identifier
)
SELECT drug_id, coalesce(drugs.name, drug) AS drug, event_id, coalesce(events.name, event) AS event,
       a AS articles, a, b, c, d, unnest(disproportionality(a, b, c, d)), first_year, last_year
FROM tables LEFT JOIN concept_names AS drugs ON drugs.identifier = drug_id
LEFT JOIN concept_names AS events ON events.identifier = event_id;
