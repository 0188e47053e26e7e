-- The views of trials.

-- all_trial_mentions: What every model of trials found in the current texts, by element and guideline; offsets count the code points of `articles.text`, end exclusive.
CREATE VIEW all_trial_mentions AS
SELECT pmid, start_char, end_char, mention, element, guideline, value, number, score, model
FROM {current trial_mentions};

-- trial_mentions: What the active model of trials found, in every article: participants, interventions, outcomes, numbers, words of the design and registry numbers.
CREATE VIEW trial_mentions AS
SELECT * FROM all_trial_mentions
WHERE {active trials};

-- registered_trials: The newest registration of each study in the imported files of ClinicalTrials.gov.
CREATE VIEW registered_trials AS
SELECT registry_id, title, official_title, acronym, secondary_ids, status, study_type, phase, allocation, masking,
       intervention_model, enrolled, enrolled_type, conditions, interventions, primary_outcomes, secondary_outcomes,
       sponsor, start_date, completion_date, first_posted, updated, sex, minimum_age, maximum_age, age_groups, countries,
       has_results, result_pmids, as_of, source
FROM {registered_trials}
-- A CSV has less of a study than JSON, so of two rows of one date of change the richer counts.
QUALIFY row_number() OVER (
    PARTITION BY registry_id ORDER BY updated DESC NULLS LAST, minimum_age IS NULL, as_of DESC, record_hash) = 1;

-- all_trials: The same as `trials`, of every model.
CREATE VIEW all_trials AS
WITH typed AS (
    SELECT pmid, title, year, journal, retracted,
           -- Numbers of the record's list, where the data bank is a registry of trials.
           flatten([bank.numbers FOR bank IN coalesce(data_banks, []) IF regexp_matches(bank.name,
               '(?i)^(clinicaltrials|isrctn|eudract|ctis|anzctr|chictr|ctri|drks|umin|japic|jmac|jprn|jrct|ntr|dutch|pactr|irct|kct|cris|lbctr|repec|per$|rebec|rpcec|slctr|tctr|itmctr|euctr)')]) AS listed,
           coalesce(list_has_any(publication_types, [
               'Randomized Controlled Trial', 'Controlled Clinical Trial', 'Clinical Trial', 'Pragmatic Clinical Trial',
               'Equivalence Trial', 'Adaptive Clinical Trial', 'Clinical Trial, Phase I', 'Clinical Trial, Phase II',
               'Clinical Trial, Phase III', 'Clinical Trial, Phase IV']), false) AS typed_trial,
           coalesce(list_contains(publication_types, 'Randomized Controlled Trial'), false) AS typed_randomised,
           -- What reports on trials of others, or on one that has no results yet.
           coalesce(list_has_any(publication_types, [
               'Review', 'Systematic Review', 'Scoping Review', 'Meta-Analysis', 'Network Meta-Analysis', 'Comment', 'Editorial',
               'News', 'Guideline', 'Practice Guideline', 'Clinical Trial Protocol', 'Published Erratum',
               'Retraction of Publication', 'Retraction Notice', 'Expression of Concern']), false)
           AS other_report,
           regexp_matches(coalesce(title, ''), '(?i)\b(systematic(ally)? review|review of|overview|meta-?\s?analy\w+|protocol|rationale|guidelines?|study design)\b')
           -- A trial is of people.
           OR regexp_matches(coalesce(title, ''),
               '(?i)\b(rats?|mice|mouse|rabbits?|dogs?|canine|pigs?|piglets?|porcine|sheep|lambs?|rodents?|in vitro)\b')
           OR coalesce(list_contains([one.name FOR one IN mesh], 'Animals')
                       AND NOT list_contains([one.name FOR one IN mesh], 'Humans'), false)
           AS other_words,
           nullif(array_to_string(list_sort(list_distinct([
               CASE regexp_extract(one, 'Phase (IV|I+)$', 1) WHEN 'I' THEN '1' WHEN 'II' THEN '2' WHEN 'III' THEN '3' ELSE '4' END
               FOR one IN publication_types IF starts_with(one, 'Clinical Trial, Phase')])), '/'), '') AS typed_phase
    FROM articles
),
-- Cells have what is more probable than not. A number that both arms claim is that of the arm with the higher score.
probable AS (
    SELECT * FROM all_trial_mentions
    WHERE score >= 0.5
    QUALIFY NOT regexp_matches(element, '^([ic]v-|(intervention|control)-participants)')
        OR row_number() OVER (PARTITION BY pmid, model, guideline, ends_with(element, '-participants'), start_char
                              ORDER BY score DESC, element) = 1
),
found AS (
    SELECT pmid AS found_pmid, model AS found_model,
           count(*) FILTER (element = 'allocation' AND value = 'randomised') AS randomised,
           count(*) FILTER (element = 'allocation' AND value = 'nonrandomised') AS nonrandomised,
           min(start_char) FILTER (element = 'allocation' AND value = 'randomised') AS first_randomised,
           count(*) FILTER (element = 'blinding' AND value <> 'open' OR element = 'control') AS controlled,
           count(*) FILTER (element = 'report') AS reviews,
           max(score) FILTER (element = 'total-participants' AND guideline <> 'rules') AS participants_score,
           arg_min(value, start_char) FILTER (element = 'blinding') AS blinding,
           bool_or(element = 'model' AND value = 'crossover') AS crossover,
           arg_min(value, start_char) FILTER (element = 'phase') AS phase,
           arg_max({'number': number, 'mention': mention, 'start_char': start_char, 'end_char': end_char},
                   {'score': score, 'start': -start_char}) FILTER (element = 'total-participants' AND number > 1) AS enrolled,
           list({'arm': regexp_extract(element, '^[a-z]+'), 'number': number, 'mention': mention, 'start_char': start_char,
                 'end_char': end_char, 'score': score} ORDER BY start_char)
               FILTER (element IN ('intervention-participants', 'control-participants')) AS arms,
           list({'element': element, 'value': value, 'mention': mention, 'start_char': start_char, 'end_char': end_char}
                ORDER BY start_char)
               FILTER (guideline = 'rules' AND element NOT IN ('registry_number', 'report', 'total-participants')) AS words,
           list(value ORDER BY start_char) FILTER (element = 'registry_number') AS numbers,
           list({'measure': element, 'mention': mention, 'start_char': start_char, 'end_char': end_char, 'score': score}
                ORDER BY start_char)
               FILTER (regexp_matches(element, '^[ic]v-')) AS results
    FROM probable GROUP BY pmid, model
),
-- The identifiers of the linked mentions that an element's mention overlaps.
elements AS (
    SELECT pmid, model, element, start_char, end_char, any_value(mention) AS mention, max(score) AS score,
           list_sort(list_distinct(list(identifier) FILTER (identifier IS NOT NULL))) AS identifiers
    FROM (
        SELECT one.pmid, one.model, one.element, one.start_char, one.end_char, one.mention, one.score, linked.identifier
        FROM probable AS one
        LEFT JOIN (SELECT pmid, start_char, end_char, unnest(string_split(identifier, '|')) AS identifier FROM entities
                   WHERE identifier IS NOT NULL) AS linked
            ON linked.pmid = one.pmid AND linked.start_char < one.end_char AND one.start_char < linked.end_char
        -- Of two guidelines for one element, the one with the shorter mentions.
        WHERE one.element IN ('Population', 'Intervention', 'Comparator', 'Outcome') AND one.guideline <> 'EBM-NLP'
            AND NOT (one.element = 'Outcome' AND one.guideline = 'PICO-sections')
    )
    GROUP BY pmid, model, element, start_char, end_char
),
cells AS (
    SELECT pmid, model,
           list({'mention': mention, 'start_char': start_char, 'end_char': end_char, 'identifiers': identifiers, 'score': score}
                ORDER BY start_char) FILTER (element = 'Population') AS populations,
           list({'mention': mention, 'start_char': start_char, 'end_char': end_char, 'identifiers': identifiers, 'score': score}
                ORDER BY start_char) FILTER (element = 'Intervention') AS interventions,
           list({'mention': mention, 'start_char': start_char, 'end_char': end_char, 'identifiers': identifiers, 'score': score}
                ORDER BY start_char) FILTER (element = 'Comparator') AS comparators,
           list({'mention': mention, 'start_char': start_char, 'end_char': end_char, 'identifiers': identifiers, 'score': score}
                ORDER BY start_char) FILTER (element = 'Outcome') AS outcomes
    FROM elements GROUP BY pmid, model
),
-- The calibrated score of the active classifier, where the lake has one.
classified AS (
    SELECT pmid AS rct_pmid, max(score) AS rct_score FROM labels
    WHERE scheme = 'rct' AND label = 'randomized controlled trial' AND start_char IS NULL GROUP BY pmid
),
reports AS (
    SELECT typed.*, found.*, models.model, rct_score,
           CASE WHEN typed_trial THEN 1.0
                WHEN other_words THEN NULL
                WHEN randomised > nonrandomised AND first_randomised < length(title) THEN 0.9
                WHEN reviews > 0 THEN NULL
                WHEN randomised > nonrandomised THEN 0.8
                WHEN controlled > 0 AND participants_score IS NOT NULL THEN 0.6
                WHEN rct_score >= 0.5 THEN rct_score
           END AS trial_score
    -- A record that is typed as a trial has a row even if nothing was found in its text.
    FROM typed CROSS JOIN (SELECT DISTINCT found_model AS model FROM found) AS models
    LEFT JOIN found ON found_pmid = typed.pmid AND found_model = models.model
    LEFT JOIN classified ON rct_pmid = typed.pmid
    WHERE NOT other_report
)
SELECT reports.pmid,
       list_sort(list_distinct(list_concat(listed, coalesce(numbers, []), coalesce(registered.ids, [])))) AS registry_ids,
       {'randomised': CASE WHEN typed_randomised OR randomised > nonrandomised THEN true WHEN nonrandomised > 0 THEN false
                           WHEN rct_score >= 0.5 THEN true END,
        'blinding': blinding, 'crossover': coalesce(crossover, false), 'phase': coalesce(typed_phase, phase), 'words': words}
           AS design,
       enrolled.number AS enrolled, enrolled AS enrolled_mention,
       [one FOR one IN arms IF enrolled IS NULL OR one.end_char <= enrolled.start_char OR one.start_char >= enrolled.end_char]
           AS arms,
       populations, interventions, comparators, outcomes, results,
       trial_score::FLOAT AS score, year, journal, retracted, reports.model AS model
FROM reports
LEFT JOIN cells ON cells.pmid = reports.pmid AND cells.model = reports.model
-- A registration may name the articles that report its results.
LEFT JOIN (SELECT pmid, list(registry_id ORDER BY registry_id) AS ids
           FROM (SELECT registry_id, unnest(result_pmids) AS pmid FROM registered_trials) GROUP BY pmid) AS registered
    ON registered.pmid = reports.pmid
WHERE trial_score IS NOT NULL;

-- trials: One row for each article that reports a trial, from the active model: registry numbers, design, number of participants and arms, populations, interventions, comparators, outcomes with offsets and identifiers, and results.
CREATE VIEW trials AS
SELECT * FROM all_trials
WHERE {active trials};
