"""Lines of the nested reports: a complete one of each, and random ones of their shapes."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from virus_warehouse.reports.shape import Json, ListOf, Object, Shape, Value

Path = tuple[str | int, ...]


def a_range(begin: int, end: int, **others: Any) -> dict[str, Any]:
    return {"begin": str(begin), "end": str(end), **others}


def sequence(accession_version: str, *ranges: dict[str, Any], sequence_hash: str = "5F8D9A") -> dict[str, Any]:
    spans = ",".join(f"{place['begin']}-{place['end']}" for place in ranges)
    return {
        "accessionVersion": accession_version,
        "range": [*ranges],
        "seqId": f"{accession_version}:{spans}",
        "sequenceHash": sequence_hash,
        "title": f"title of {accession_version}",
    }


FORWARD = {"orientation": "plus", "order": 1, "ribosomalSlippage": 1}
BACKWARD = {"orientation": "minus", "order": 2, "ribosomalSlippage": -1}

MATURE_PEPTIDE = {
    "accession": "YP_2.1",
    "cdd": [{"accession": "CDD:1", "name": "RdRp", "range": a_range(3, 9, **FORWARD)}],
    "name": "helicase",
    "nucleotide": sequence("NC_063383.2", a_range(7, 12, **FORWARD)),
    "otherNames": ["nsp13"],
    "pdbIds": ["6XEZ", "7NIO"],
    "protein": sequence("YP_1.1", a_range(2, 3, **FORWARD), sequence_hash="A1"),
    "proteinCompleteness": "PARTIAL",
    "uniProtKb": {"id": "P0DTD1", "name": "R1AB_SARS2"},
}

CODING_REGION = {
    "accession": "YP_1.1",
    "cdd": [{"accession": "CDD:2", "name": "Macro", "range": a_range(1, 2, **FORWARD)}],
    "maturePeptide": [MATURE_PEPTIDE],
    "name": "ORF1ab polyprotein",
    "nucleotide": sequence("NC_063383.2", a_range(1, 6, **FORWARD), a_range(5, 90, **BACKWARD)),
    "otherNames": ["pp1ab", "ORF1ab"],
    "pdbIds": ["5R7Y"],
    "protein": sequence("YP_1.1", a_range(1, 30, **FORWARD), sequence_hash="B2"),
    "proteinCompleteness": "COMPLETE",
    "uniProtKb": {"id": "P0DTD2", "name": "R1A_SARS2"},
}

ANNOTATION: dict[str, Any] = {
    "accession": "NC_063383.2",
    "genes": [
        {
            "cds": [CODING_REGION],
            "geneId": 43740578,
            "name": "ORF1ab",
            "nucleotide": sequence("NC_063383.2", a_range(5, 90, **BACKWARD)),
        }
    ],
    "isolateName": "Wuhan-Hu-1",
}
"""A line with every field of the report."""

FLATTENED = {
    "age": "34",
    "biomaterialProvider": "a provider",
    "breed": "a breed",
    "collectedBy": "a collector",
    "collectionDate": "2021-02",
    "cultivar": "a cultivar",
    "devStage": "adult",
    "ecotype": "an ecotype",
    "geoLocName": "USA: Wisconsin",
    "host": "Homo sapiens",
    "hostDisease": "COVID-19",
    "identifiedBy": "a taxonomist",
    "ifsacCategory": "a category",
    "isolate": "an isolate",
    "isolateNameAlias": "an alias",
    "isolationSource": "swab",
    "latLon": "43.07 N 89.40 W",
    "projectName": "a project",
    "sampleName": "a sample",
    "serotype": "a serotype",
    "serovar": "a serovar",
    "sex": "female",
    "sourceType": "a source type",
    "strain": "a strain",
    "subSpecies": "a subspecies",
    "tissue": "lung",
}

BIOSAMPLE: dict[str, Any] = {
    "accession": "SAMN00000001",
    "attributes": [{"name": "host", "value": "Homo sapiens"}, {"name": "lat_lon", "value": "missing"}],
    "bioprojects": [
        {
            "accession": "PRJNA2",
            "parentAccession": "PRJNA1",
            "parentAccessions": ["PRJNA1", "PRJNA0"],
            "title": "Genomic surveillance",
        }
    ],
    "description": {
        "comment": "Keep cold",
        "organism": {"organismName": "Monkeypox virus", "taxId": 10244},
        "title": "Pathogen: clinical",
    },
    "lastUpdated": "2022-12-06T17:04:34.453",
    "models": ["Pathogen.cl", "Virus"],
    "owner": {"contacts": [{"lab": "Lab 1"}, {}], "name": "An institute"},
    "package": "Pathogen.cl.1.0",
    "publicationDate": "2022-11-29T00:00:00.000",
    "sampleIds": [{"db": "SRA", "label": "Sample name", "value": "SRS1"}],
    "status": {"status": "live", "when": "2022-11-30T05:53:05.220"},
    "submissionDate": "2022-11-28T05:53:05.220",
    **FLATTENED,
}
"""A line with every field of the report."""


def annotation(accession: str = "PX000001.1", *genes: str, **fields: Any) -> str:
    """A line with these genes, each of one coding region and one mature peptide."""
    line = {
        "accession": accession,
        "genes": [
            {
                "name": gene,
                "cds": [
                    {
                        "name": f"{gene} polyprotein",
                        "maturePeptide": [{"name": f"{gene} peptide"}],
                        "nucleotide": {"range": [a_range(1, 9)]},
                    }
                ],
            }
            for gene in genes
        ],
        **fields,
    }
    return json.dumps(line)


def sample(accession: str = "SAMN1", updated: str | None = "2025-05-01", **fields: Any) -> str:
    """A line of the BioSample report."""
    line = {"accession": accession, "lastUpdated": f"{updated}T10:00:00.000" if updated else None, **fields}
    return json.dumps({name: value for name, value in line.items() if value is not None})


def lines_of(shape: Shape, accession: str) -> st.SearchStrategy[Any]:
    """A random line of that shape with that accession, without the fields that protobuf omits."""
    return _values(shape).map(lambda line: {**line, "accession": accession})


def _values(shape: Shape) -> st.SearchStrategy[Any]:
    match shape:
        case ListOf():
            return st.lists(_values(shape.item), max_size=2)
        case Object():
            return st.fixed_dictionaries({}, optional={name: _values(each) for name, each in shape.members.items()})
        case Json():
            return _values(shape.shape)
        case Value.FLAG:
            return st.booleans()
        case Value.TEXT | Value.ANYTHING:
            # A text that begins with a colon or a bracket only needs another code path.
            return st.text(max_size=5).filter(lambda text: not text.startswith((":", "[")))
        case Value.LONG:
            return st.integers(0, 2**62).map(str)
        case _:
            return st.integers(-5, 2**31)


def places(value: Any, kinds: type | tuple[type, ...], path: Path = ()) -> Iterator[Path]:
    """The paths of values of some types in a line."""
    if isinstance(value, kinds):
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, kinds, (*path, key))


def at(line: Any, path: Path) -> Any:
    for step in path:
        line = line[step]
    return line


def changed(line: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy with a changed or added value at a path."""
    line = copy.deepcopy(line)
    at(line, path[:-1])[path[-1]] = value
    return line


def without(line: dict[str, Any], path: Path) -> dict[str, Any]:
    line = copy.deepcopy(line)
    del at(line, path[:-1])[path[-1]]
    return line


def json_path(path: Path) -> str:
    """The path as in schema drift: list items without their numbers."""
    return "$" + "".join("[*]" if isinstance(step, int) else f".{step}" for step in path)
