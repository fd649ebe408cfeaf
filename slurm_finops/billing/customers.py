"""What kind of customer pays for a run, over time."""

from slurm_finops.billing.names import Names
from slurm_finops.core.charging import ALWAYS, Charging, Timeline, merged
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tiers import Levels, levels


class Customers(dict[int, int]):
    """Tag set id -> a place in ``timelines``; teams that are alike share one."""

    def __init__(self, ledger: Ledger, charging: Charging) -> None:
        super().__init__()
        self._names = Names(ledger.db)
        self._charging = charging
        self.timelines: list[Timeline] = [ALWAYS]
        self._places: dict[Timeline, int] = {ALWAYS: 0}
        self._levels: dict[str, dict[str, Levels]] = {}
        for (tier, team), steps in levels(ledger.db).items():
            self._levels.setdefault(team, {})[tier] = steps
        self._alike = not (charging.classes or charging.otherwise != ALWAYS or self._levels)

    def __missing__(self, tag_set: int) -> int:
        place = 0
        if not self._alike:
            team = self._names.team(tag_set)
            timeline = merged(self._charging.timeline(team), self._levels.get(team or "", {}))
            found = self._places.get(timeline)
            if found is None:
                found = self._places[timeline] = len(self.timelines)
                self.timelines.append(timeline)
            place = found
        self[tag_set] = place
        return place
