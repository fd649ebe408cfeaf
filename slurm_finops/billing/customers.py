"""What kind of customer pays for a run, over time."""

from slurm_finops.billing.names import Names
from slurm_finops.core.charging import ALWAYS, Charging, Timeline
from slurm_finops.ledger.store import Ledger


class Customers(dict[int, int]):
    """Tag set id -> a place in ``timelines``; teams that are alike share one."""

    def __init__(self, ledger: Ledger, charging: Charging) -> None:
        super().__init__()
        self._names = Names(ledger.db)
        self._charging = charging
        self.timelines: list[Timeline] = [ALWAYS]
        self._places: dict[Timeline, int] = {ALWAYS: 0}
        self._alike = not charging.classes and charging.otherwise == ALWAYS

    def __missing__(self, tag_set: int) -> int:
        place = 0
        if not self._alike:
            timeline = self._charging.timeline(self._names.team(tag_set))
            found = self._places.get(timeline)
            if found is None:
                found = self._places[timeline] = len(self.timelines)
                self.timelines.append(timeline)
            place = found
        self[tag_set] = place
        return place
