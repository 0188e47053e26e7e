-- all_toy_pairs: The pairs of every model in the current texts.
CREATE VIEW all_toy_pairs AS
SELECT pmid, chemical_start, chemical_end, chemical, disease_start, disease_end, disease, model, inputs
FROM {toy_pairs} JOIN current_versions USING (pmid, text_hash);

-- toy_pairs: The pairs of the active models in the current texts.
CREATE VIEW toy_pairs AS
SELECT * FROM all_toy_pairs
WHERE (model, inputs) IN (SELECT (model, inputs) FROM active_models WHERE task = 'toy_pairs');
