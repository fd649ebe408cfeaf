"""What a snapshot has: its tables and columns, each with what a reader is told of it.

Nothing is in a snapshot that is not here, so nothing is shown that nobody decided to show.
Money is a decimal text, to the minor unit, as in a report's JSON; beside the effective cost
stands the same as a whole number, to sort by and to add up.
"""

from typing import NamedTuple

from slurm_finops.core.tags import KEYS

INTEGER, TEXT, REAL = "INTEGER", "TEXT", "REAL"
#: What a database of this name is called in every URL.
DATABASE = "finops"


class Column(NamedTuple):
    """A column: its name, its type, and what is said of it."""

    name: str
    kind: str
    says: str


class Table(NamedTuple):
    """A table; ``people`` are the columns that a site which names nobody leaves out.

    ``order`` is the column by which it is shown, the greatest first; ``indexes`` are the
    columns that the named queries ask by.
    """

    name: str
    title: str
    says: str
    columns: tuple[Column, ...]
    order: str
    indexes: tuple[str, ...] = ()
    people: frozenset[str] = frozenset()
    key: str = ""

    def shown(self, people: str) -> tuple[Column, ...]:
        """The columns where ``people`` are shown as names, pseudonyms or none."""
        if people == "names":
            return self.columns
        return tuple(column for column in self.columns if column.name not in self.people)


MONTH = Column("month", TEXT, "the billing month, as 2026-06")
TEAM = Column("team", TEXT, "the team that pays; (untagged) where a run named none, and "
              "(beside runs) where no run is behind a cost")  # fmt: skip
PROJECT = Column("project", TEXT, "the project, as tagged")
EXPERIMENT = Column("experiment", TEXT, "the experiment, as tagged")
#: The figures of a report's row, in its JSON's names.
FIGURES = (
    Column("runs", INTEGER, "how many runs held something"),
    Column("gpu_hours", REAL, "GPU-hours held, to a tenth"),
    Column("effective_cost", TEXT, "what it cost, shares of pools included; empty where no "
           "rate applies, for that is not zero"),
    Column("list_cost", TEXT, "the same at list price"),
    Column("forgiven_cost", TEXT, "of the effective cost, what a rule forgives"),
    Column("subsidised_cost", TEXT, "of the effective cost, what somebody else pays"),
    Column("credited_cost", TEXT, "of the effective cost, what allocations and credits pay"),
    Column("billed_cost", TEXT, "what is billed of it"),
    Column("effective_minor", INTEGER, "the effective cost as a whole number of the currency's "
           "smallest unit (cents): to sort by and to add up"),
)  # fmt: skip


def _spend(name: str, title: str, by: str, *columns: Column, indexes: str = "month") -> Table:
    """A table that is a report by some dimensions, for each month."""
    return Table(
        name, title, f"What slurm-finops report --period MONTH --by {by} says, for each month.",
        (MONTH, *columns, *FIGURES), "effective_minor", (indexes,),
    )  # fmt: skip


#: Tables that are reports, and the dimensions of each.
SPEND: dict[str, tuple[str, ...]] = {
    "teams": ("team",),
    "projects": ("team", "project"),
    "experiments": ("team", "project", "experiment"),
    "users": ("user",),
    "endings": ("state", "team"),
    "days": ("day", "team"),
}
_USER = Column("user", TEXT, "who ran it")

TABLES: tuple[Table, ...] = (
    Table(
        "about", "This snapshot", "When these figures were read, and how to read them.",
        (
            Column("made", TEXT, "when this snapshot was made"),
            Column("today", TEXT, "the billing day on which it was made"),
            Column("currency", TEXT, "the currency of all money"),
            Column("timezone", TEXT, "the zone of billing days and months, and of all times"),
            Column("people", TEXT, "how people are shown: names, pseudonyms or none"),
            Column("notes", TEXT, "why figures may not be today's truth"),
        ),
        "made",
    ),
    Table(
        "months", "Months", "Each billing month: what all teams spent, and what of it is tagged.",
        (
            MONTH,
            Column("so_far", INTEGER, "1 where the month had not ended"),
            *FIGURES,
            Column("tagged_share", TEXT, "of all GPU-hours, those of runs whose tags are right"),
            Column("to_mend_cost", TEXT, "what runs cost whose tags are missing or wrong, shares "
                   "of pools aside"),
            Column("provisional_cost", TEXT, "the part of the cost that belongs to runs which had "
                   "not ended, and may still grow"),
            Column("unpriced_gpu_hours", REAL, "GPU-hours that no rate applies to, in no cost"),
        ),
        "month", key="month",
    ),
    _spend("teams", "Spend by team", "team", TEAM),
    _spend("projects", "Spend by project", "team,project", TEAM, PROJECT),
    _spend("experiments", "Spend by experiment", "team,project,experiment",
           TEAM, PROJECT, EXPERIMENT, indexes="month, effective_minor"),
    _spend("users", "Spend by user", "user", _USER),
    _spend("endings", "Spend by how runs ended", "state,team",
           Column("state", TEXT, "the state that Slurm gave the run"), TEAM),
    _spend("days", "Spend by day", "day,team",
           Column("day", TEXT, "the billing day"), TEAM, indexes="day"),
    Table(
        "budgets", "Budgets", "What slurm-finops budgets list --period MONTH says of each budget "
        "whose days overlap a month: as it stands now, or stood at the end of the month.",
        (
            MONTH, TEAM, Column("project", TEXT, "the project, or empty for the whole team"),
            Column("kind", TEXT, "month, year (a fiscal year) or span (days of its own)"),
            Column("name", TEXT, "what a span is called, such as a grant; else empty"),
            Column("from", TEXT, "its first day"),
            Column("until", TEXT, "the first day that is no more in it"),
            Column("budget", TEXT, "what may be spent in all its days"),
            Column("spent", TEXT, "what was: the effective cost, but for what allocations and "
                   "credits pay"),
            Column("left", TEXT, "what is left; below 0 the budget is passed"),
            Column("used", TEXT, "spent of the budget"),
            Column("pace", TEXT, "what a straight line from nothing to the budget had spent"),
            Column("forecast", TEXT, "what it is expected to have cost by its end; empty where "
                   "that is past or there are too few days of use"),
            Column("forecast_low", TEXT, "8 times of 10 it is not less than this"),
            Column("forecast_high", TEXT, "and not more than this"),
            Column("used_up", TEXT, "the day on which nothing is left, as expected; empty where "
                   "it lasts"),
            Column("used_up_at_worst", TEXT, "the same at the high end"),
            Column("running", TEXT, "what running jobs may add by their time limits"),
            Column("spent_minor", INTEGER, "spent, as a whole number of cents"),
        ),
        "month", ("month",),
    ),
    Table(
        "to_mend", "Tags to mend", "Kinds of missing or wrong tags, and what to type instead.",
        (
            MONTH, TEAM,
            Column("wrong", TEXT, "what is wrong"),
            Column("type", TEXT, "what to give sbatch next time; <…> is for you to fill in"),
            Column("runs", INTEGER, "how many runs"),
            Column("effective_cost", TEXT, "what they cost"),
            Column("effective_minor", INTEGER, "the same as a whole number of cents"),
            Column("people", TEXT, "whose runs they are, the costliest first"),
        ),
        "effective_minor", ("month",), frozenset({"people"}),
    ),
    Table(
        "runs", "Runs", "Each run with its tags and what it cost by its own charges, from the "
        "first month here on.  Shares of pools are of owners, not of runs, and are not in it.",
        (
            Column("run", INTEGER, "the ledger's number of the run"),
            Column("cluster", TEXT, "where it ran"),
            Column("job_id", TEXT, "Slurm's JobID: 4711, 4711_3 of an array, 4711+1 of a het job"),
            Column("job_name", TEXT, "its name, as its user typed it"),
            _USER,
            Column("account", TEXT, "the Slurm account"),
            Column("partition", TEXT, "the partition"),
            Column("qos", TEXT, "the QOS"),
            Column("state", TEXT, "the state that Slurm gave it"),
            Column("month", TEXT, "the billing month in which it started"),
            Column("submit", TEXT, "when it was submitted"),
            Column("start", TEXT, "when it started"),
            Column("end", TEXT, "when it ended; empty where it had not"),
            Column("gpus", INTEGER, "GPUs of any type that it held"),
            Column("gpu_hours", REAL, "GPU-hours held, to a tenth"),
            Column("effective_cost", TEXT, "what it cost; empty where no rate applies"),
            Column("billed_cost", TEXT, "what is billed, after allocations and credits"),
            Column("effective_minor", INTEGER, "the effective cost as a whole number of cents"),
            *(Column(key, TEXT, f"its {key.replace('_', ' ')}, as billed") for key in KEYS),
            Column("tag_source", TEXT, "where its tags came from: seal, comment, account "
                   "(contested, billed to the account's own team), retag, rule or none"),
            Column("tag_status", TEXT, "valid, invalid or untagged; empty where nobody asks"),
            Column("wrong", TEXT, "what is wrong with its tags"),
            Column("type", TEXT, "what to give sbatch next time; <…> is for you to fill in"),
            Column("comment", TEXT, "the comment as it was typed"),
        ),
        "effective_minor",
        ("effective_minor", "month, effective_minor", "user, month",
         "tag_status, month, effective_minor"),
        frozenset({"user", "job_name", "comment"}), "run",
    ),
    Table(
        "log", "What was done", "Changes to the ledger: collections, and what is audited.",
        (
            Column("at", TEXT, "when"),
            Column("action", TEXT, "what was done"),
            Column("detail", TEXT, "in words"),
            Column("actor", TEXT, "by whom"),
        ),
        "at", ("at",), frozenset({"actor"}),
    ),
)  # fmt: skip


def tables(people: str) -> tuple[Table, ...]:
    """The tables where ``people`` are shown as names, pseudonyms or none."""
    return tuple(table for table in TABLES if table.name != "users" or people != "none")
