"""The columns of what a record says beside its text, in new parts and in parts older than these columns."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from litmine import Lake
from litmine.lake.checksums import CHECKSUM_KEY
from litmine.types import Article, AuthorAffiliation, Chemical, Correction, DataBank, Grant, SourceRecord

ARTICLE = Article(
    9,
    "A title",
    affiliations=(AuthorAffiliation("Roth, Ida", ("Basel.", "Bern."), "0000-0002-1825-0097"),),
    chemicals=(Chemical("50-00-0", "Formaldehyde", "D005557"), Chemical(None, "substance X")),
    grants=(Grant("R01", "HL", "NHLBI", "United States"), Grant(agency="Trust")),
    journal_abbreviation="J Test",
    issn="1111-1111",
    volume="12",
    issue="3",
    pages="123-30",
    status="MEDLINE",
    corrections=(Correction("ErratumIn", 4, "J Test. 2001", "a note"), Correction("RetractionOf", citation="J Test")),
    data_banks=(DataBank("ISRCTN", ("ISRCTN12345678", "ISRCTN87654321")), DataBank("GENBANK")),
)
COLUMNS = (
    "affiliations, chemicals, grants, journal_abbreviation, issn, volume, issue, pages, status, corrections, data_banks"
)


def test_the_columns_hold_what_the_record_says(lake: Lake) -> None:
    lake.add([SourceRecord(ARTICLE, datetime.now(UTC))], source="a")
    assert lake.sql(f"SELECT {COLUMNS} FROM articles").to_pylist() == [
        {
            "affiliations": [
                {"author": "Roth, Ida", "affiliations": ["Basel.", "Bern."], "orcid": "0000-0002-1825-0097"}
            ],
            "chemicals": [
                {"registry_number": "50-00-0", "name": "Formaldehyde", "ui": "D005557"},
                {"registry_number": None, "name": "substance X", "ui": None},
            ],
            "grants": [
                {"grant_id": "R01", "acronym": "HL", "agency": "NHLBI", "country": "United States"},
                {"grant_id": None, "acronym": None, "agency": "Trust", "country": None},
            ],
            "journal_abbreviation": "J Test",
            "issn": "1111-1111",
            "volume": "12",
            "issue": "3",
            "pages": "123-30",
            "status": "MEDLINE",
            "corrections": [
                {"kind": "ErratumIn", "pmid": 4, "citation": "J Test. 2001", "note": "a note"},
                {"kind": "RetractionOf", "pmid": None, "citation": "J Test", "note": None},
            ],
            "data_banks": [
                {"name": "ISRCTN", "numbers": ["ISRCTN12345678", "ISRCTN87654321"]},
                {"name": "GENBANK", "numbers": []},
            ],
        }
    ]


def test_a_condition_can_name_corrections_and_substances(lake: Lake) -> None:
    lake.add([SourceRecord(one, datetime.now(UTC)) for one in (ARTICLE, Article(10, "Another"))], source="a")
    for condition in (
        "list_contains([c.kind for c in corrections], 'RetractionOf')",
        "list_contains([c.registry_number for c in chemicals], '50-00-0')",
        "len(affiliations) > 0 and issn = '1111-1111' and status = 'MEDLINE'",
    ):
        assert lake.sql(f"SELECT pmid FROM articles WHERE {condition}")["pmid"].to_pylist() == [9]


def test_parts_written_before_the_columns_stay_readable(lake: Lake) -> None:
    (name,) = lake.add([SourceRecord(ARTICLE, datetime.now(UTC))], source="a").parts
    lake.add([SourceRecord(Article(10, "Another", issn="2222-2222"), datetime.now(UTC))], source="b")
    path = Path(str(lake.part(name)))
    part = pq.read_table(path)
    metadata = {key: value for key, value in part.schema.metadata.items() if key != CHECKSUM_KEY.encode()}
    pq.write_table(part.drop_columns(COLUMNS.split(", ")).replace_schema_metadata(metadata), path)
    old, new = lake.sql(f"SELECT title, {COLUMNS} FROM articles ORDER BY pmid").to_pylist()
    assert old == {"title": "A title", **dict.fromkeys(COLUMNS.split(", "))}
    assert (new["issn"], new["corrections"]) == ("2222-2222", [])
