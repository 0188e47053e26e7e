-- all_toy_topics: What every model says of the current texts.
CREATE VIEW all_toy_topics AS
SELECT pmid, score, model FROM {current toy_topics};

-- toy_topics: What the active model says of the current texts.
CREATE VIEW toy_topics AS
SELECT * FROM all_toy_topics WHERE {active toy_topics};
