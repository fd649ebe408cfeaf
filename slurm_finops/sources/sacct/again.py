"""Asking sacct once more, for some jobs only."""

from collections.abc import Iterator, Sequence

from slurm_finops.sources.sacct.live import LiveWindow
from slurm_finops.sources.sacct.stream import Batch, batches

#: A command line holds some 128 kB an argument.
_AT_ONCE = 1000


class _TheseJobs(LiveWindow):
    """All runs of some jobs, whenever they ran."""

    def __init__(self, job_ids: Sequence[int], until: int, cluster: str) -> None:
        super().__init__(0, until, cluster)
        self._command += ["-j", ",".join(map(str, job_ids))]


def read_again(job_ids: Sequence[int], until: int, cluster: str) -> Iterator[Batch]:
    """Every run up to ``until`` of these jobs, by JobIDRaw, in batches.

    ``-j`` also takes the raw id of an array's task or a het job's component;
    that of its first one brings the others along (measured on 22.05).  Raises
    what `LiveWindow` raises.
    """
    for i in range(0, len(job_ids), _AT_ONCE):
        yield from batches(_TheseJobs(job_ids[i : i + _AT_ONCE], until, cluster))
