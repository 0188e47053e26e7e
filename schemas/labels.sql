-- The views of labels.

-- all_labels: The labels that every model gave to the current texts and their sentences.
CREATE VIEW all_labels AS
SELECT pmid, scheme, label, score, start_char, end_char, model
FROM {current labels};

-- labels: The labels of the active models; `start_char` and `end_char` are null where a label is the whole article's, else those of a sentence in `articles.text`.
CREATE VIEW labels AS
SELECT * FROM all_labels
WHERE {active classification};
