-- The views of abbreviations.

-- all_abbreviations: The same as `abbreviations`, but by every version of the rules.
CREATE VIEW all_abbreviations AS
SELECT pmid, short_form, short_start, short_end, long_form, long_start, long_end, model
FROM {current abbreviations};

-- abbreviations: One row for each abbreviation that a current text defines, as in "tumour necrosis factor (TNF)"; offsets count the code points of `articles.text`, end exclusive.
CREATE VIEW abbreviations AS
SELECT * FROM all_abbreviations
WHERE {active abbreviations};
