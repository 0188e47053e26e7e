"""Files of other formats are named, with what to do."""

import io
import json
from typing import Any

import pytest

from litmine.errors import SourceError
from litmine.sources.formats import ForeignFormatError, read_records

BIOC: dict[str, Any] = {"source": "x", "documents": [{"id": "1", "passages": []}]}


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [
        (b"PK\x03\x04\x14\0\0\0", "a zip archive, or a Word or Excel file", "unpack it"),
        (b"BZh91AY", "compressed with bzip2", "unpack it"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF", "find its PMID and fetch the records with `litmine fetch --pmids`"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE article PUBLIC "-//NLM//DTD JATS">\n<article x="1">', "full text", "PMIDs"),
        (b"<pmc-articleset><article/></pmc-articleset>", "the full text of articles (JATS XML)", "find the PMIDs"),
        (b"<!DOCTYPE html>\n<html><body>", "a web page (HTML)", "check its address"),
        (b"<!doctype HTML PUBLIC 'x'><HTML>", "a web page (HTML)", "check its address"),
        (b"<html></html>", "a web page (HTML)", "download the file again"),
        (b"<!-- <a> --><collection><source/>", "BioC XML", "convert it to PubTator or JSON Lines"),
        (b"<eSearchResult><Count>1</Count>", "a search result of the E-utilities", "put its PMIDs into a file"),
        (b"<xml><records><record>", "an EndNote library", "export it from EndNote as RIS"),
        (b'\n[{"pmid": 1}]', "a JSON array", "jq -c '.[]'"),
        ('[\n{"pmid": 1}]'.encode("utf-16"), "a JSON array", "jq -c '.[]'"),
        (b'{\n  "pmid": 1\n}\n', "JSON over several lines", "jq -c ."),
        (json.dumps(BIOC).encode(), "BioC JSON", "convert it to PubTator or JSON Lines"),
        (json.dumps(BIOC, indent=1).encode(), "BioC JSON", "convert it"),
        (json.dumps({"PubTator3": [BIOC]}).encode(), "BioC JSON", "convert it"),
        (b"\xef\xbb\xbfPMID,Title\n3,x\n", "a CSV export of PubMed", "`litmine fetch --pmids FILE`"),
        (b"title;year\nx;1\n", "CSV or another table", "write it as JSON Lines"),
        (b"31452104\n31437182\n", "a list of PMIDs", "`litmine fetch --pmids FILE`"),
        (b"@article{a,\n title={x}}", "BibTeX", "save the results on PubMed's site as `PubMed` format (.nbib)"),
        (b"1. Lancet. 2013 May 2;1(2):3.\n", "a list of citations or abstracts for reading", "(.nbib)"),
    ],
)
def test_another_format_is_named(content: bytes, what: str, remedy: str) -> None:
    with pytest.raises(ForeignFormatError) as raised:
        list(read_records(io.BufferedReader(io.BytesIO(content))))
    assert what in str(raised.value)
    assert remedy in raised.value.remedy


def test_a_line_that_only_mentions_documents_is_an_article() -> None:
    line = json.dumps({"pmid": 1, "title": 'A "documents": [1] title', "documents": [1]}).encode()
    [record, note] = read_records(io.BufferedReader(io.BytesIO(line)))
    assert record.record.pmid == 1  # type: ignore[union-attr]
    assert "'documents' in 1 line" in note.what  # type: ignore[union-attr]


def test_an_empty_file_is_named() -> None:
    with pytest.raises(SourceError, match="The file is empty"):
        list(read_records(io.BufferedReader(io.BytesIO(b""))))
