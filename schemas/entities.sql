-- The views of entities.

-- all_entities: The mentions that each model found in the current texts; offsets are code points of `articles.text`, end exclusive.
CREATE VIEW all_entities AS
SELECT pmid, start_char, end_char, mention, entity_type, score, identifier, model
FROM {entities} JOIN current_versions USING (pmid, text_hash);

-- entities: The mentions that the active models found in the current texts, each type from one model; `active_models` says which.
CREATE VIEW entities AS
SELECT * FROM all_entities
WHERE model IN (SELECT model FROM active_models WHERE task = 'ner' AND types IS NULL)
   OR (model, entity_type) IN (SELECT (model, unnest(types)) FROM active_models WHERE task = 'ner');
