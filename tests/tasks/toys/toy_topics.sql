-- all_toy_topics: What every model says of the current texts.
CREATE VIEW all_toy_topics AS
SELECT pmid, score, model FROM {toy_topics} JOIN current_versions USING (pmid, text_hash);

-- toy_topics: What the active model says of the current texts.
CREATE VIEW toy_topics AS
SELECT * FROM all_toy_topics WHERE model IN (SELECT model FROM active_models WHERE task = 'toy_topics');
