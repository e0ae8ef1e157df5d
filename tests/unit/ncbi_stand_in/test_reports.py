"""The content of the report lines, and the consistency of the files of one package."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from ncbi_stand_in.taxa import TAXONOMY
from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import Download, count_by, download, get


@pytest.fixture(scope="module")
def everything(shared: StandIn) -> Download:
    return download(shared, aux_report=["ANNOTATION", "BIOSAMPLE_REPORT"])


@pytest.fixture(scope="module")
def mers(shared: StandIn) -> Download:
    params = {"include_sequence": ["GENOME", "CDS", "PROTEIN"], "aux_report": "ANNOTATION"}
    return Download(get(shared, "1335626", params))


def fasta(text: str) -> dict[str, str]:
    entries = (entry.split("\n", 1) for entry in text.split(">")[1:])
    return {header.split()[0]: letters.replace("\n", "") for header, letters in entries}


def has_default(value: Any) -> bool:
    if isinstance(value, dict):
        return not value or any(has_default(one) for one in value.values())
    if isinstance(value, list):
        return not value or any(has_default(one) for one in value)
    return value in (None, False, 0, "")


@pytest.mark.parametrize("report", ["data_report.jsonl", "annotation_report.jsonl"])
def test_lines_follow_the_json_rules(everything: Download, report: str) -> None:
    for text in everything.text(report).splitlines():
        line = json.loads(text)
        assert text == json.dumps(line, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        assert not has_default(line)


def test_accessions_are_unique_and_of_insdc_form(everything: Download) -> None:
    accessions = [line["accession"] for line in everything.lines()]
    assert len(accessions) == len(set(accessions)) > 200
    assert all(re.fullmatch(r"([A-Z]{2}|NC_)\d{6}\.\d", accession) for accession in accessions)


def test_line_length_is_realistic(everything: Download) -> None:
    lines = everything.text("data_report.jsonl").splitlines()
    assert 1900 < sum(map(len, lines)) / len(lines) < 3000


def test_every_virus_has_records(everything: Download) -> None:
    genera = count_by([line["virus"]["lineage"][-2] for line in everything.lines()], "name")
    assert {"Orthopoxvirus monkeypox", "Betacoronavirus pandemicum", "Influenza A virus"} <= set(genera)
    assert {"dengue virus", "Merbecovirus"} <= set(genera)


def test_lineages_run_from_the_root_to_the_organism(everything: Download) -> None:
    for line in everything.lines():
        for organism, root in (("virus", 10239), ("host", 131567)):
            if organism in line:
                lineage, taxon = line[organism]["lineage"], TAXONOMY[line[organism]["taxId"]]
                assert lineage[0]["taxId"] == root
                assert lineage[-1] == {"name": taxon.name, "taxId": taxon.tax_id}
                assert line[organism]["organismName"] in (taxon.name, taxon.former_name)


def test_irregular_values_have_realistic_shares(everything: Download) -> None:
    lines = everything.lines()
    dates = [line.get("isolate", {}).get("collectionDate", "") for line in lines]
    precisions = {len(text) for text in dates}
    assert precisions == {0, 4, 7, 10}
    for field in ("host", "submitter", "biosample", "location", "isolate"):
        absent = sum(field not in line for line in lines) / len(lines)
        assert 0 <= absent < 0.75, field
    assert 0.02 < sum("host" not in line for line in lines) / len(lines) < 0.2
    assert {"labHost", "isLabHost", "sraAccessions", "purposeOfSampling", "bioprojects"} <= {
        key for line in lines for key in line
    }


def test_places_have_ncbi_free_text_forms(everything: Download) -> None:
    places = [line["location"] for line in everything.lines() if "location" in line]
    names = {place["geographicLocation"] for place in places}
    assert any(re.fullmatch(r"USA: Wisconsin, \w+ County", name) for name in names)
    assert any(re.fullmatch(r"United Kingdom:\w+.*", name) for name in names)
    assert any(":" not in name for name in names)
    for place in places:
        has_state = place["geographicLocation"].startswith("USA: ")
        assert ("usaState" in place) == has_state


def test_influenza_isolates_have_eight_segments_with_shared_metadata(shared: StandIn) -> None:
    lines = download(shared, "11320").lines()
    by_number = {line["accession"].split(".")[0]: line for line in lines}
    assert set(count_by(lines, "segment")) == {"PB2", "PB1", "PA", "HA", "NP", "NA", "M", "NS"}
    assert len(set(count_by(lines, "segment").values())) == 1
    for accession in (one for one, line in by_number.items() if line["segment"] == "PB2"):
        prefix, number = accession[:-6], int(accession[-6:])
        eight = [by_number[f"{prefix}{number + offset:06d}"] for offset in range(8)]
        assert [line["segment"] for line in eight] == ["PB2", "PB1", "PA", "HA", "NP", "NA", "M", "NS"]
        for field in ("isolate", "host", "biosample", "location", "releaseDate"):
            assert len({json.dumps(line.get(field)) for line in eight}) == 1, field


def test_only_sars_cov_2_has_pango_lineages(everything: Download) -> None:
    for line in everything.lines():
        assert ("pangolinClassification" in line["virus"]) == (line["virus"]["taxId"] == 2697049)


def test_sequence_hash_is_hexadecimal_without_leading_zeros(everything: Download) -> None:
    hashes = [line["nucleotide"]["sequenceHash"] for line in everything.lines()]
    assert all(re.fullmatch(r"[1-9A-F][0-9A-F]{0,7}", one) for one in hashes)
    assert 0.6 < len(set(hashes)) / len(hashes) < 0.9  # identical sequences have the same


def test_update_is_never_before_release(everything: Download) -> None:
    for line in everything.lines():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z", line["updateDate"])
        assert line["updateDate"] >= line["releaseDate"]


def test_annotation_report_agrees_with_the_data_report(everything: Download) -> None:
    annotated = {line["accession"]: line for line in everything.lines() if line.get("isAnnotated")}
    annotation = {line["accession"]: line for line in everything.lines("annotation_report.jsonl")}
    assert annotation.keys() == annotated.keys()
    for accession, report in annotation.items():
        line = annotated[accession]
        regions = [region for gene in report["genes"] for region in gene["cds"]]
        peptides = [peptide for region in regions for peptide in region.get("maturePeptide", [])]
        assert line["geneCount"] == len(report["genes"])
        assert line["proteinCount"] == len(regions)
        assert line.get("maturePeptideCount", 0) == len(peptides)
        ends = [int(span["end"]) for region in regions for span in region["nucleotide"]["range"]]
        begins = [int(span["begin"]) for region in regions for span in region["nucleotide"]["range"]]
        assert min(begins) >= 1
        assert max(ends) <= line["length"]


def test_mature_peptides_tile_the_polyprotein(everything: Download) -> None:
    report = next(
        line for line in everything.lines("annotation_report.jsonl") if line["genes"][0]["name"] == "ORF1ab"
        and "maturePeptide" in line["genes"][0]["cds"][0]
    )  # fmt: skip
    polyprotein = report["genes"][0]["cds"][0]
    assert len(polyprotein["nucleotide"]["range"]) == 2
    spans = [peptide["protein"]["range"][0] for peptide in polyprotein["maturePeptide"]]
    assert spans[0]["begin"] == "1"
    assert spans[-1]["end"] == polyprotein["protein"]["range"][0]["end"] == "7096"
    assert all(int(after["begin"]) == int(before["end"]) + 1 for before, after in pairwise(spans))


def test_protein_accessions_are_unique(everything: Download) -> None:
    accessions = [
        region["protein"]["accessionVersion"]
        for line in everything.lines("annotation_report.jsonl")
        for gene in line["genes"]
        for region in gene["cds"]
    ]
    assert len(accessions) == len(set(accessions))


def test_biosample_report_has_each_biosample_once(everything: Download) -> None:
    lines = [line for line in everything.lines() if "biosample" in line]
    report = {line["accession"]: line for line in everything.lines("biosample_report.jsonl")}
    assert len(report) == len(everything.lines("biosample_report.jsonl"))
    assert report.keys() == {line["biosample"] for line in lines}
    for line in lines:
        sample = report[line["biosample"]]
        assert sample["description"]["organism"]["taxId"] == line["virus"]["taxId"]
        assert sample["status"]["status"] == "live"
        assert [one["accession"] for one in sample["bioprojects"]] == line["bioprojects"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", sample["lastUpdated"])


def test_fasta_agrees_with_the_reports(mers: Download) -> None:
    genomes = fasta(mers.text("genomic.fna"))
    assert {accession: len(letters) for accession, letters in genomes.items()} == {
        line["accession"]: line["length"] for line in mers.lines()
    }
    regions = [
        region for line in mers.lines("annotation_report.jsonl") for gene in line["genes"] for region in gene["cds"]
    ]
    coding, proteins = fasta(mers.text("cds.fna")), fasta(mers.text("protein.faa"))
    assert coding.keys() == {region["nucleotide"]["seqId"] for region in regions}
    assert proteins.keys() == {region["protein"]["seqId"] for region in regions}
    for region in regions:
        letters = coding[region["nucleotide"]["seqId"]]
        accession = region["nucleotide"]["accessionVersion"]
        spans = region["nucleotide"]["range"]
        joined = "".join(genomes[accession][int(span["begin"]) - 1 : int(span["end"])] for span in spans)
        assert letters == joined
        assert len(proteins[region["protein"]["seqId"]]) == len(letters) // 3 - 1


def test_sequence_files_are_included_only_on_request(stand_in: StandIn) -> None:
    for wanted, name in (("GENOME", "genomic.fna"), ("CDS", "cds.fna"), ("PROTEIN", "protein.faa")):
        names = Download(get(stand_in, "1335626", {"include_sequence": wanted})).zip.namelist()
        assert [one for one in names if one.endswith((".fna", ".faa"))] == [f"ncbi_dataset/data/{name}"]
    by_default = Download(get(stand_in, "1335626")).zip.namelist()
    assert "ncbi_dataset/data/genomic.fna" in by_default
