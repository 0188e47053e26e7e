-- The views of links. `entities` shows the links of the active linkers.

-- all_links: The mentions of each tagger with the identifiers that each linker gave them, to compare linkers; `inputs` is the tagger.
CREATE VIEW all_links AS
SELECT pmid, start_char, end_char, mention, entity_type, score, identifier, identifier_score, model, inputs
FROM {current links};

-- links: The same, of the active linkers.
CREATE VIEW links AS
SELECT * FROM all_links
WHERE {active linking};

-- vocabularies: Every concept of the vocabularies that linkers used, with names, synonyms and tree numbers; `linker` joins `entities`.
CREATE VIEW vocabularies AS
SELECT linker, identifier, name, entity_type, vocabulary, synonyms, tree_numbers, taxon FROM {vocabularies};

-- under: under(tree_numbers, 'C04') is whether a concept is the MeSH branch with this tree number, or below it, in any capitals.
CREATE MACRO under(tree_numbers, branch) AS
    len(list_filter(tree_numbers, lambda one: one = upper(branch) OR starts_with(one, upper(branch) || '.'))) > 0;

-- concept_articles: One row for each identifier and current article that mentions it, with the number of mentions; each identifier of a composite mention counts.
CREATE VIEW concept_articles AS
SELECT identifier, entity_type, pmid, mentions
FROM {stored concept_articles:
    SELECT identifier, pmid, min(entity_type) AS entity_type, count(*)::INTEGER AS mentions
    FROM (
        SELECT identifier, pmid, entity_type FROM entities WHERE identifier IS NOT NULL AND NOT contains(identifier, '|')
        UNION ALL
        SELECT unnest(string_split(identifier, '|')), pmid, entity_type FROM entities WHERE contains(identifier, '|')
    )
    GROUP BY identifier, pmid
};

-- concept_pairs: One row for each pair of identifiers that an article has both of, the first by name as `first_id`: the number of these articles and their first year, without retracted articles and notices.
CREATE VIEW concept_pairs AS
SELECT first_id, second_id, articles, first_year
FROM {stored concept_pairs:
    SELECT one.identifier AS first_id, other.identifier AS second_id, count(*) AS articles, min(year) AS first_year
    FROM concept_articles AS one JOIN concept_articles AS other ON one.pmid = other.pmid AND one.identifier < other.identifier
    JOIN evidence_articles ON evidence_articles.pmid = one.pmid
    GROUP BY one.identifier, other.identifier
};

-- concepts: One row for each identifier in `entities`, with its names and how often it is mentioned; each identifier of a composite mention counts.
CREATE VIEW concepts AS
WITH counted AS (
    SELECT identifier, sum(mentions)::BIGINT AS mentions, count(*) AS articles, min(year) AS first_year,
           min(entity_type) AS entity_type
    FROM concept_articles JOIN articles USING (pmid) GROUP BY identifier
),
-- Of several active linkers or term lists that have a concept, the last linker and the first list name it.
known AS (
    SELECT * FROM vocabularies WHERE linker IN (SELECT model FROM active_models WHERE task = 'linking')
    QUALIFY linker = max(linker) OVER (PARTITION BY identifier)
),
listed AS (
    SELECT identifier, model, min(name) AS name, list_sort(list(DISTINCT name)) AS names
    FROM (SELECT model, unnest(string_split(identifier, '|')) AS identifier, name FROM terms)
    WHERE model IN (SELECT model FROM active_models WHERE task = 'ner')
    GROUP BY identifier, model
    QUALIFY model = min(model) OVER (PARTITION BY identifier)
)
SELECT identifier, coalesce(known.name, listed.name) AS name,
       -- A concept that may be mentioned as several types has the first of those that it is mentioned as.
       CASE WHEN contains(known.entity_type, '|') THEN counted.entity_type
            ELSE coalesce(known.entity_type, counted.entity_type) END AS entity_type,
       coalesce(known.vocabulary, listed.model) AS vocabulary,
       coalesce(known.synonyms, list_filter(listed.names, lambda one: one <> listed.name), []) AS synonyms,
       coalesce(known.tree_numbers, []) AS tree_numbers, mentions, articles, first_year
FROM counted LEFT JOIN known USING (identifier)
LEFT JOIN listed USING (identifier);
