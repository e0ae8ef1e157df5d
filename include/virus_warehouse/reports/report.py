"""A kind of report, described by what one of its lines holds: all that the reader has to know of it."""

from dataclasses import dataclass

from virus_warehouse.reports.shape import Object


@dataclass(frozen=True)
class Report:
    """A kind of report.

    Attributes:
        name: what NCBI calls it, and the temporary view of its staged lines. `reports/<name>.sql` makes the macro
            `rows_of(paths)` of parts of it: a row a line, with `names_and_texts` and `refusal`.
        shape: what a line holds.
        parameter: the value of `aux_report` that asks for it; None for the one that every package has.
        announced_by: what is true of a staged row of the data report that promises a line of this report, in SQL.
        is_deep: whether a line may hold thousands of values.
        has_lineages: whether the lineages in it are folded before it is read (docs/decisions/0020).
        derived: SQL files that read more from its staged lines, in their order.
        outcomes_by: the SQL file that compares its staged lines with the warehouse, by key and version: what becomes of
            each -> report_outcome(line_number, accession, outcome); it may refuse some -> refused_row(line_number,
            reason). The data report has a merge of its own.
        written_by: the SQL file that writes the rows of the lines that are inserted or revised.
    """

    name: str
    shape: Object
    parameter: str | None = None
    announced_by: str = "false"
    is_deep: bool = False
    has_lineages: bool = False
    derived: tuple[str, ...] = ()
    outcomes_by: str = ""
    written_by: str = ""

    @property
    def file_name(self) -> str:
        """The report's file in a package."""
        return f"{self.name}.jsonl"
