"""A kind of report, described by the contents of its lines."""

from dataclasses import dataclass

from virus_warehouse.reports.shape import Object


@dataclass(frozen=True)
class Report:
    """A kind of report.

    Attributes:
        name: NCBI's name, also of the temporary view of its staged lines. `reports/<name>.sql` creates the macro
            `rows_of(paths)` of parts of it: a row per line, with `names_and_texts` and `refusal`.
        shape: the shape of a line.
        parameter: the value of `aux_report` that requests it; None for the one that every package has.
        announced_by: SQL condition of staged rows of the data report that announce a line of this report.
        is_deep: whether a line may have thousands of values.
        has_lineages: whether its lineages are folded before it is read (docs/decisions/0020).
        derived: SQL files that derive more from its staged lines, in order.
        outcomes_by: SQL file that compares its staged lines with the warehouse, by key and version ->
            report_outcome(line_number, accession, outcome); it may refuse some -> refused_row(line_number, reason).
            The data report has a merge of its own.
        written_by: SQL file that writes the rows of inserted and revised lines.
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
