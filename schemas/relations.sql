-- The views of relations.

-- all_relations: The relations that every model found in the current texts; `inputs` is what its mentions are from.
CREATE VIEW all_relations AS
SELECT pmid, relation_type, subject_start, subject_end, subject, subject_type, subject_id,
       object_start, object_end, object, object_type, object_id, evidence_start, evidence_end,
       negated, speculated, score, model, inputs
FROM {current relations};

-- relations: The relations of the active model, one row for each pair of mentions and relation type.
CREATE VIEW relations AS
SELECT * FROM all_relations
WHERE {active relations};
