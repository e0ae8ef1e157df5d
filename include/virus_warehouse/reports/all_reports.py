"""The reports that are read from a package."""

from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.data_report import DATA_REPORT

AUXILIARY_REPORTS = (
    ANNOTATION_REPORT,
    BIOSAMPLE_REPORT,
)
"""In the order of the merge, after the data report."""

REPORTS = (DATA_REPORT, *AUXILIARY_REPORTS)
