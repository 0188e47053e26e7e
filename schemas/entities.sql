-- The views of entities.

-- all_entities: The mentions of every model in the current texts; offsets count the code points of `articles.text`, end exclusive.
CREATE VIEW all_entities AS
SELECT pmid, start_char, end_char, mention, entity_type, score, identifier, identifier_score,
       -- An identifier without a score is the tagger's own.
       CASE WHEN identifier_score IS NOT NULL THEN extended_by END AS linker, model
FROM {current entities with links};

-- entities: The mentions of the active models in the current texts: each entity type from one network, and beside these what the active term lists find; `active_models` lists the models.
CREATE VIEW entities AS
SELECT * FROM all_entities
WHERE {active ner};

-- terms: The names of every term list that `annotate` was given; `model` joins `entities`, so that a copied lake has its lists.
CREATE VIEW terms AS
SELECT model, name, entity_type, identifier FROM {terms};
