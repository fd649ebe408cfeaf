"""What a day costs by the ledger as it is: with what people put on it, surcharges and tax."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slurm_finops.core.charging import Charging
from slurm_finops.core.funds import WHOLE, Funding
from slurm_finops.core.money import TICKS, exact_text
from slurm_finops.core.period import Calendar
from slurm_finops.core.posted import Item
from slurm_finops.core.surcharges import Surcharge, levied
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.disputes import Adjustment, adjustments
from slurm_finops.ledger.posted import Interned, Key, tags_id
from slurm_finops.ledger.stage import Stage
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.truth import facts

_CACHE = 50_000


@dataclass(frozen=True)
class Books:
    """By what statements are made: whose they are, who pays, what is added to them.

    ``kind``: team, project, cost_center or fund; ``series``: legal entity -> what the
    numbers of its statements begin with; ``centres``: team -> cost centre.
    """

    kind: str = "team"
    digits: int = 2
    series: Mapping[str, str] = field(default_factory=dict)
    funding: Funding = field(default_factory=Funding)
    surcharges: tuple[Surcharge, ...] = ()
    charging: Charging = field(default_factory=Charging)
    centres: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def levies(self) -> str:
        """Changes when what is added to costs may change."""
        if not self.surcharges:
            return ""
        return repr((self.surcharges, self.charging.classes, self.charging.otherwise))


class Owed:
    """Days as lines: key -> unit-seconds and ticks (list, contracted, effective, billed)."""

    def __init__(self, ledger: Ledger, books: Books, calendar: Calendar, stage: Stage) -> None:
        self._db = ledger.db
        self._books = books
        self._calendar = calendar
        self._stage = stage
        self.names = Interned(ledger.db)
        #: by number; there is none of 0
        self.items: list[Item] = [Item(*[""] * 6), *self.names.items]
        self._of_set: dict[int, int] = {}
        self._levies: dict[tuple[Surcharge, str], int] = {}
        self._adjustments = adjustments(ledger.db)

    def of(self, day: int) -> dict[Key, list[int]]:
        """Key -> figures of all that a day costs, surcharges and tax with it."""
        found: dict[Key, list[int]] = {}
        for fact in facts(self._db, day):
            tags = self._tags_of_set(fact.tag_set_id)
            item = self._item(fact.item)
            _add(found, (fact.cluster_id, tags, item), fact.figures)
        for one in self._adjusted(day):
            origin = f"adjustment {one.id}: {one.reason}"
            item = self._item(Item("adjustment", "adjustment", "adjustment", origin, "", ""))
            ticks = one.amount_minor * (TICKS // 10**self._books.digits)
            centre = self._books.centres.get(one.team or "")
            tags = self._note(Tags(one.team, one.project, cost_center=centre))
            _add(found, (0, tags, item), [0, 0, 0, 0, ticks])
        if self._books.surcharges:
            self._levy(found, day)
        return found

    def _levy(self, found: dict[Key, list[int]], day: int) -> None:
        bases: dict[tuple[int, int], int] = {}
        for (cluster, tags, _), figures in found.items():
            bases[cluster, tags] = bases.get((cluster, tags), 0) + figures[4]
        classes: dict[str | None, str] = {}
        for (cluster, tags), billed in bases.items():
            team = self._stage.tags(tags).team
            of_class = classes.get(team)
            if of_class is None:
                of_class = classes[team] = self._class(team, day)
            for rule, ticks in levied(billed, of_class, day, self._books.surcharges):
                _add(found, (cluster, tags, self._of_levy(rule, of_class)), [0, 0, 0, 0, ticks])

    def _of_levy(self, rule: Surcharge, of_class: str) -> int:
        number = self._levies.get((rule, of_class))
        if number is None:
            item = Item(rule.kind, rule.name, rule.kind, rule.name, _percent(rule), of_class)
            number = self._levies[rule, of_class] = self._item(item)
        return number

    def _class(self, team: str | None, day: int) -> str:
        """The class of customer that a team is at a day's beginning."""
        now, found = self._calendar.midnight(day), ""
        for piece in self._books.charging.timeline(team):
            if piece.start <= now:
                found = piece.of_class
        return found

    def _adjusted(self, day: int) -> Iterator[Adjustment]:
        month = self._calendar.month_of(day)
        if day == month.last - 1:
            yield from (one for one in self._adjustments if one.period == month.label)

    def _tags_of_set(self, tag_set: int) -> int:
        found = self._of_set.get(tag_set)
        if found is None:
            row = self._db.execute(
                f"SELECT {', '.join(Tags._fields)} FROM tag_sets WHERE id = ?", (tag_set,)
            ).fetchone()
            if len(self._of_set) >= _CACHE:
                self._of_set.clear()
            found = self._of_set[tag_set] = self._note(Tags(*row))
        return found

    def _note(self, tags: Tags) -> int:
        return self._stage.note(tags_id(tags), tags)

    def _item(self, item: Item) -> int:
        number = self.names.item(item)
        if number == len(self.items):
            self.items.append(item)
        return number


def _percent(rule: Surcharge) -> str:
    return f"{exact_text(rule.parts * 100, WHOLE)} %"


def _add(found: dict[Key, list[int]], key: Key, figures: list[int]) -> None:
    """``figures`` is kept."""
    before = found.setdefault(key, figures)
    if before is not figures:
        for i, figure in enumerate(figures):
            before[i] += figure
