"""Only lineages in NCBI's own formatting are folded, and unfolding restores the text."""

import json

import pytest

from virus_warehouse.reports import lineages as lineages_module
from virus_warehouse.reports.lineages import Lineages

VIRUSES = '[{"name":"Viruses","taxId":10239},{"name":"Monkeypox virus","taxId":10244}]'
HUMAN = '[{"name":"cellular organisms","taxId":131567},{"name":"Homo sapiens","taxId":9606}]'


def line(virus: str, host: str = HUMAN) -> bytes:
    return f'{{"accession":"PX1.1","host":{{"lineage":{host},"taxId":9606}},"virus":{{"lineage":{virus}}}}}\n'.encode()


def round_trip(lineages: Lineages, given: bytes) -> bytes:
    """The text after folding and unfolding."""
    return lineages.unfold(lineages.fold(given))


def test_lineage_is_stored_once_and_replaced_by_a_reference() -> None:
    lineages = Lineages()
    folded = [json.loads(lineages.fold(line(VIRUSES))) for _ in range(2)]
    assert folded[0] == folded[1]
    new = lineages.take_new()
    assert [new[folded[0][organism]["lineage"]] for organism in ("virus", "host")] == [VIRUSES, HUMAN]
    assert lineages.take_new() == {}
    lineages.fold(line("[" + VIRUSES[1:-1] + "," + VIRUSES[1:-1] + "]"))
    assert len(lineages.take_new()) == 1


def test_only_known_lineages_are_folded_again() -> None:
    lineages = Lineages()
    known = b'{"accession":"A.1","virus":{"lineage":[{"name":"root","taxId":1}]}}'
    folded = lineages.fold(known)
    unknown = known.replace(b"root", b"Viruses")
    assert lineages.fold_again(known + b"\n" + unknown) == folded + b"\n" + unknown
    lineages.take_new()
    assert lineages.take_new() == {}


def test_lineages_with_the_same_end_are_distinguished() -> None:
    lineages = Lineages()
    others = [VIRUSES, VIRUSES.replace("Viruses", "Virus"), VIRUSES.replace("10239", "10230"), VIRUSES]
    given = b"".join(map(line, others))
    assert round_trip(lineages, given) == given
    assert list(lineages.take_new().values()) == [HUMAN, *others[:3]]


@pytest.mark.parametrize(
    "lineage",
    [
        "null",
        "[]",
        "[{}]",
        '"text"',
        "5",
        '[{"name": "Viruses","taxId":10239}]',
        '[{"taxId":10239,"name":"Viruses"}]',
        '[{"name":"Viruses","taxId":"10239"}]',
        '[{"name":"Viruses","taxId":1.5}]',
        '[{"name":"Viruses","taxId":007}]',
        '[{"name":"Viruses","taxId":10239,"rank":"realm"}]',
        '[{"name":"Viruses","taxId":10239},{"name":"x"}]',
        '[{"name":"Vir\\"uses","taxId":10239}]',
        '[{"name":"Vir\tuses","taxId":10239}]',
        '[{"name":"[Candida] auris","taxId":498019}]',
        '[{"name":"Viruses","taxId":9223372036854775808}]',
    ],
)
def test_other_formatting_is_left_unchanged(lineage: str) -> None:
    lineages = Lineages()
    assert lineages.fold(line(lineage)).endswith(f'"virus":{{"lineage":{lineage}}}}}\n'.encode())
    assert round_trip(lineages, line(lineage)) == line(lineage)
    assert list(lineages.take_new().values()) == [HUMAN]


def test_bytes_that_are_not_text_are_left_unchanged() -> None:
    given = line(VIRUSES).replace(b"Monkeypox", b"Monkeypox\xff")
    folded = Lineages().fold(given)
    assert folded.endswith(given[given.index(b'"virus"') :])


def test_key_within_a_string_is_not_a_lineage() -> None:
    given = b'{"labHost":"\\"lineage\\":' + VIRUSES.replace('"', '\\"').encode() + b'"}\n'
    assert Lineages().fold(given) == given


def test_text_that_resembles_a_reference_is_restored() -> None:
    other = Lineages()
    given = other.fold(line(VIRUSES)) + b'{"virus":{"lineage":"0"}}\n{"virus":{"lineage":0}}\n'
    assert round_trip(Lineages(), given + line(HUMAN)) == given + line(HUMAN)


def test_memory_does_not_grow_with_the_lineages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineages_module, "MOST_KEPT", 3 * len(VIRUSES))
    monkeypatch.setattr(lineages_module, "LONGEST_KEPT", len(VIRUSES))
    lineages = Lineages()
    given = b"".join(line(VIRUSES.replace("10244", str(10244 + number)), "[]") for number in range(5))
    given += line(HUMAN, "[]")
    assert round_trip(lineages, given) == given
    assert len(lineages.take_new()) == 3
