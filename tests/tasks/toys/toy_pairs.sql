-- all_toy_pairs: The pairs of every model in the current texts.
CREATE VIEW all_toy_pairs AS
SELECT pmid, chemical_start, chemical_end, chemical, disease_start, disease_end, disease, model, inputs
FROM {current toy_pairs};

-- toy_pairs: The pairs of the active models in the current texts.
CREATE VIEW toy_pairs AS
SELECT * FROM all_toy_pairs
WHERE {active toy_pairs};
