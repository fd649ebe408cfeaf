"""Whole records -> runs, problems and counts, for sources that hand over their fields apart."""

from collections.abc import Sequence

from slurm_finops.core.runs import Problem, Run
from slurm_finops.sources.sacct.fields import Unreadable
from slurm_finops.sources.sacct.record import Passed, RecordParser


class RowReader:
    """Counts what is read and passed over; what cannot be read gathers in ``problems``."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.records = 0
        self.steps = 0
        self.waiting = 0

    def read(self, parser: RecordParser, rows: Sequence[list[str]]) -> list[Run]:
        """The runs in rows of fields; those in rows are used up."""
        usual = None
        if rows and all(len(row) == parser.width for row in rows):
            usual = parser.parse_usual(rows)
        if usual is not None:
            self.records += len(usual)
            return usual
        runs = []
        for row in rows:
            text = "|".join(row)
            try:
                if len(row) != parser.width:
                    raise Unreadable(f"{len(row)} fields where {parser.width} were asked for")
                found = parser.parse(row)
            except Unreadable as error:
                self.problems.append(Problem(text, str(error)))
                continue
            self.records += 1
            if isinstance(found, Run):
                runs.append(found)
            else:
                self.steps += found is Passed.STEP
                self.waiting += found is Passed.WAITING
        return runs
