"""The reports of a package that are read."""

from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.data_report import DATA_REPORT

FURTHER_REPORTS = (
    ANNOTATION_REPORT,
    BIOSAMPLE_REPORT,
)
"""In the order in which they are merged, after the data report."""

REPORTS = (DATA_REPORT, *FURTHER_REPORTS)
