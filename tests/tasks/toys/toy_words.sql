-- all_toy_words: What every model says of the current texts.
CREATE VIEW all_toy_words AS
SELECT pmid, start_char, end_char, word, score, model FROM {current toy_words};

-- toy_words: What the active model says of the current texts.
CREATE VIEW toy_words AS
SELECT * FROM all_toy_words WHERE {active toy_words};
