"""Small files in the forms of the publishers, written by hand, and a vocabulary that is built from them."""

from pathlib import Path

import pytest

from litmine.vocabulary.build import SourceFiles, build_vocabulary
from litmine.vocabulary.vocabulary import Vocabulary

DESC_XML = """<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20240101.dtd">
<DescriptorRecordSet LanguageCode = "eng">
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D000082</DescriptorUI>
  <DescriptorName><String>Acetaminophen</String></DescriptorName>
  <TreeNumberList><TreeNumber>D02.065.199.092.040</TreeNumber></TreeNumberList>
  <ConceptList>
    <Concept PreferredConceptYN="Y">
      <ConceptName><String>Acetaminophen</String></ConceptName>
      <RegistryNumberList><RegistryNumber>362O9ITL9D</RegistryNumber></RegistryNumberList>
      <ScopeNote>Analgesic antipyretic derivative of acetanilide.
      </ScopeNote>
      <TermList>
        <Term RecordPreferredTermYN="Y"><TermUI>T000154</TermUI><String>Acetaminophen</String></Term>
        <Term RecordPreferredTermYN="N"><TermUI>T000155</TermUI><String>Paracetamol</String></Term>
        <Term RecordPreferredTermYN="N"><TermUI>T000156</TermUI><String>APAP</String></Term>
      </TermList>
    </Concept>
  </ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D007674</DescriptorUI>
  <DescriptorName><String>Kidney Diseases</String></DescriptorName>
  <TreeNumberList>
    <TreeNumber>C12.050.351.968.419</TreeNumber><TreeNumber>C12.200.777.419</TreeNumber>
  </TreeNumberList>
  <ConceptList>
    <Concept PreferredConceptYN="Y">
      <SemanticTypeList><SemanticType><SemanticTypeUI>T047</SemanticTypeUI></SemanticType></SemanticTypeList>
      <TermList>
        <Term><String>Kidney Diseases</String></Term><Term><String>Diseases, Kidney</String></Term>
        <Term><String>Kidney Disease</String></Term><Term><String>Nephropathy</String></Term>
      </TermList>
    </Concept>
  </ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D051437</DescriptorUI>
  <DescriptorName><String>Renal Insufficiency</String></DescriptorName>
  <TreeNumberList><TreeNumber>C12.050.351.968.419.780</TreeNumber></TreeNumberList>
  <ConceptList><Concept PreferredConceptYN="Y"><TermList><Term><String>Renal Insufficiency</String></Term>
  <Term><String>Kidney Failure</String></Term></TermList></Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D004926</DescriptorUI>
  <DescriptorName><String>Escherichia coli</String></DescriptorName>
  <TreeNumberList><TreeNumber>B03.440.450.425.325.300</TreeNumber></TreeNumberList>
  <ConceptList><Concept PreferredConceptYN="Y">
    <RegistryNumberList><RegistryNumber>txid562</RegistryNumber></RegistryNumberList>
    <TermList><Term><String>Escherichia coli</String></Term>
    <Term><String>Alkalescens-Dispar Group</String></Term></TermList>
  </Concept></ConceptList>
</DescriptorRecord>
</DescriptorRecordSet>
"""

SUPP_XML = """<?xml version="1.0"?>
<!DOCTYPE SupplementalRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmsupplementalrecordset_20240101.dtd">
<SupplementalRecordSet LanguageCode = "eng">
<SupplementalRecord SCRClass = "1">
  <SupplementalRecordUI>C038792</SupplementalRecordUI>
  <SupplementalRecordName><String>bevonium</String></SupplementalRecordName>
  <HeadingMappedToList><HeadingMappedTo><DescriptorReferredTo>
    <DescriptorUI>*D000082</DescriptorUI><DescriptorName><String>Acetaminophen</String></DescriptorName>
  </DescriptorReferredTo></HeadingMappedTo></HeadingMappedToList>
  <ConceptList><Concept PreferredConceptYN="Y"><TermList>
    <Term><String>bevonium</String></Term><Term><String>piribenzil</String></Term>
  </TermList></Concept></ConceptList>
</SupplementalRecord>
<SupplementalRecord SCRClass = "3">
  <SupplementalRecordUI>C596385</SupplementalRecordUI>
  <SupplementalRecordName><String>Jalili syndrome</String></SupplementalRecordName>
  <ConceptList><Concept PreferredConceptYN="Y"><TermList><Term><String>Jalili syndrome</String></Term></TermList>
  </Concept></ConceptList>
</SupplementalRecord>
</SupplementalRecordSet>
"""

D_BIN = """*NEWRECORD
RECTYPE = D
MH = Myocardial Infarction
PRINT ENTRY = Heart Attack|T047|NON|EQV|NLM (1994)|930624|abcdef
ENTRY = Infarct, Myocardial
MN = C14.280.647.500
MN = C14.907.585.500
ST = T047
RN = 0
MS = NECROSIS of the MYOCARDIUM caused by an obstruction of the blood supply to the heart.
UI = D009203

*NEWRECORD
RECTYPE = Q
SH = abnormalities
UI = Q000002

*NEWRECORD
RECTYPE = D
MH = Mice
ENTRY = Mouse
MN = B01.050.150.900.649.313.992.635.505.500
RN = txid10090
UI = D051379
"""

C_BIN = """*NEWRECORD
RECTYPE = C
NM = Kounis syndrome type 1
RN = 0
SY = allergic angina|T047|NON|EQV|NLM (2011)|110101|abcdef
HM = *Myocardial Infarction/immunology
ST = T047
UI = C000657744
"""

GENE_INFO = (
    "#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs\tchromosome\tmap_location\tdescription\ttype_of_gene\t"
    "Symbol_from_nomenclature_authority\tFull_name_from_nomenclature_authority\tNomenclature_status\t"
    "Other_designations\tModification_date\tFeature_type\n"
    "9606\t7157\tTP53\t-\tBCC7|LFS1|P53\tMIM:191170|HGNC:HGNC:11998|Ensembl:ENSG00000141510\t17\t17p13.1\t"
    "tumor protein p53\tprotein-coding\tTP53\ttumor protein p53\tO\tcellular tumor antigen p53|phosphoprotein p53\t"
    "20240101\t-\n"
    "10090\t22059\tTrp53\t-\tbbl|p53\tMGI:MGI:98834\t11\t11 42.83 cM\ttransformation related protein 53\t"
    "protein-coding\tTrp53\ttransformation related protein 53\tO\tcellular tumor antigen p53\t20240101\t-\n"
    "9606\t999\tNEWENTRY\t-\t-\t-\t-\t-\tRecord to support submission of GeneRIFs\tother\t-\t-\t-\t-\t20240101\t-\n"
)

HGNC = (
    "hgnc_id\tsymbol\tname\tlocus_group\tstatus\talias_symbol\talias_name\tprev_symbol\tprev_name\tentrez_id\n"
    'HGNC:11998\tTP53\ttumor protein p53\tprotein-coding gene\tApproved\t"p53|LFS1"\t\t\t"Li-Fraumeni syndrome"\t7157\n'
    "HGNC:5\tA1BG\talpha-1-B glycoprotein\tprotein-coding gene\tApproved\t\t\t\t\t1\n"
    "HGNC:6\tA1S9T\tsymbol withdrawn\twithdrawn\tEntry Withdrawn\t\t\t\t\t\n"
)

NAMES_DMP = (
    "1\t|\troot\t|\t\t|\tscientific name\t|\n"
    "561\t|\tEscherichia\t|\t\t|\tscientific name\t|\n"
    '562\t|\t"Bacillus coli" Migula 1895\t|\t\t|\tauthority\t|\n'
    "562\t|\tBacterium coli\t|\t\t|\tsynonym\t|\n"
    "562\t|\tEscherichia coli\t|\t\t|\tscientific name\t|\n"
    "1280\t|\tStaphylococcus aureus\t|\t\t|\tscientific name\t|\n"
    "46170\t|\tStreptococcus aureus\t|\t\t|\tscientific name\t|\n"
    "9606\t|\tHomo sapiens\t|\t\t|\tscientific name\t|\n"
    "9606\t|\thuman\t|\t\t|\tgenbank common name\t|\n"
)
NODES_DMP = (
    "1\t|\t1\t|\tno rank\t|\t\t|\n"
    "561\t|\t1\t|\tgenus\t|\t\t|\n"
    "562\t|\t561\t|\tspecies\t|\tEC\t|\n"
    "1280\t|\t1\t|\tspecies\t|\tSA\t|\n"
    "46170\t|\t1\t|\tspecies\t|\tSA\t|\n"
    "9606\t|\t1\t|\tspecies\t|\tHS\t|\n"
)

MONDO = """format-version: 1.2
data-version: http://purl.obolibrary.org/obo/mondo/releases/2024-03-04/mondo.obo
ontology: mondo

[Term]
id: MONDO:0005240
name: kidney disorder
def: "A disease \\"of\\" the kidney." [NCIT:C3149]
synonym: "renal disease" EXACT [NCIT:C3149]
synonym: "kidney something wider" BROAD []
xref: MESH:D007674 {source="MONDO:equivalentTo"}
xref: DOID:557 {source="MONDO:equivalentTo"}
is_a: MONDO:0000001 ! disease

[Term]
id: MONDO:0000001
name: disease

[Term]
id: MONDO:0009999
name: old disease
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""

CELLOSAURUS = """----------------------------------------------------------------------------
        CALIPHO group at the SIB - Swiss Institute of Bioinformatics
----------------------------------------------------------------------------

 Description: Cellosaurus: a knowledge resource on cell lines
 Name:        cellosaurus.txt
 Version:     48.0
 Last update: 30-Jan-2024

----------------------------------------------------------------------------
ID   HeLa
AC   CVCL_0030
SY   HELA; Hela; He-La; Henrietta Lacks cells
DR   ATCC; CCL-2
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
CA   Cancer cell line
//
ID   HL-60
AC   CVCL_0002
SY   HL 60; HL60
//
"""

CELLOSAURUS_OBO = """format-version: 1.2
data-version: 48.0

[Term]
id: CVCL_0030
name: HeLa
synonym: "He-La" RELATED []
xref: NCBI_TaxID:9606 ! Homo sapiens (Human)

[Term]
id: CVCL_0002
name: HL-60
"""

FILES = {
    "desc2024.xml": DESC_XML,
    "supp2024.xml": SUPP_XML,
    "d2024.bin": D_BIN,
    "c2024.bin": C_BIN,
    "gene_info": GENE_INFO,
    "hgnc_complete_set.txt": HGNC,
    "taxdump/names.dmp": NAMES_DMP,
    "taxdump/nodes.dmp": NODES_DMP,
    "mondo.obo": MONDO,
    "cellosaurus.txt": CELLOSAURUS,
    "cellosaurus.obo": CELLOSAURUS_OBO,
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with one small file of each form."""
    for name, text in FILES.items():
        file = tmp_path / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "files"


@pytest.fixture
def all_files(files: Path) -> SourceFiles:
    return SourceFiles(
        mesh=[files / name for name in ("desc2024.xml", "supp2024.xml", "d2024.bin", "c2024.bin")],
        gene=[files / "gene_info"],
        taxonomy=files / "taxdump",
        hgnc=files / "hgnc_complete_set.txt",
        mondo=files / "mondo.obo",
        cellosaurus=files / "cellosaurus.txt",
    )


@pytest.fixture
def small(all_files: SourceFiles, tmp_path: Path) -> Vocabulary:
    """A vocabulary of all small files."""
    built = build_vocabulary(all_files, tmp_path / "small", "small")
    assert built.problems == []
    return Vocabulary(tmp_path / "small")
