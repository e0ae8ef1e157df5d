"""Which metadata a submitter's records contain; terms for missing values do not count."""

from tests.support.snapshots import marts_of
from tests.support.warehouses import Store, dicts, line

LABORATORY = {"affiliation": "Laboratory A", "country": "Ghana", "names": ["Doe,J."]}
SHARES = "COLUMNS('share_.*')"


def test_shares_are_of_all_records_of_the_submitter(store: Store) -> None:
    store.load(
        line(
            "PX1.1",
            submitter=LABORATORY,
            completeness="COMPLETE",
            host={"taxId": 9606, "organismName": "Homo sapiens"},
            isolate={"name": "A1", "source": "swab", "collectionDate": "2025-03-05"},
            location={"geographicLocation": "Ghana: Accra"},
            biosample="SAMN1",
            sraAccessions=["SRR1"],
            purposeOfSampling="PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE",
        ),
        line(
            "PX2.1",
            submitter=LABORATORY,
            releaseDate="2025-04-09T00:00:00Z",
            isolate={"name": "A2", "collectionDate": "2025-03"},
            location={"geographicLocation": "Ghana"},
        ),
        line(
            "PX3.1",
            submitter=LABORATORY,
            isolate={"name": "not collected", "source": "unknown", "collectionDate": "missing"},
            location={"geographicLocation": "missing: lab stock, freezer"},
        ),
        line("PX4.1", submitter=LABORATORY),
        line("PX5.1"),
    )
    snapshot = marts_of(store)
    laboratory, unnamed = dicts(snapshot, "FROM mart.metadata_completeness ORDER BY submitter_affiliation")
    assert str(laboratory.pop("last_release_date")) == "2025-04-09"
    assert laboratory == {
        "submitter_affiliation": "Laboratory A",
        "submitter_country": "Ghana",
        "records": 4,
        "share_with_collection_day": 0.25,
        "share_with_collection_date": 0.5,
        "share_with_country": 0.5,
        "share_with_division": 0.25,
        "share_with_host": 0.25,
        "share_with_isolate": 0.5,
        "share_with_isolate_source": 0.25,
        "share_with_biosample": 0.25,
        "share_with_reads": 0.25,
        "share_with_purpose_of_sampling": 0.25,
        "share_declared_complete": 0.25,
    }
    assert (unnamed["submitter_affiliation"], unnamed["records"]) == (None, 1)
    assert {value for name, value in unnamed.items() if name.startswith("share_")} == {0.0}
