"""Real NCBI records, where they lie beside the checkout; a test that needs them skips where they do not."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "ncbi" / "samples"

PACKAGE = SAMPLES / "package_2026-06" / "ncbi_dataset.zip"
ANNOTATION_REPORT_SHAPES = SAMPLES / "shapes" / "annotation_report.jsonl"
BIOSAMPLE_REPORT_SHAPES = SAMPLES / "shapes" / "biosample_report.jsonl"
SARS_COV_2_REPORT = SAMPLES / "sars2_2025-09" / "data_report.jsonl"

GENUINE_2025 = SAMPLES / "genuine_2025-01"
PACKAGES_2025 = GENUINE_2025 / "packages"

needs_genuine_records = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the genuine NCBI records are not beside this checkout (../shared/ncbi/samples)"
)

needs_genuine_packages = pytest.mark.skipif(
    not PACKAGES_2025.is_dir(),
    reason="the genuine packages of January 2025 are not beside this checkout (../shared/ncbi/samples/genuine_2025-01)",
)
