"""A sacct file of any size, for the benchmark: the same bytes every time."""

import random
from pathlib import Path

from slurm_finops.sources.sacct.record import FIELDS

START = 1_780_272_000  # 2026-06-01T00:00:00Z
MONTH = 30 * 86_400
YEAR = 365 * 86_400
TEAMS = ("nlp", "cv", "platform", "research", "product")
STATES = ("COMPLETED",) * 7 + ("FAILED", "TIMEOUT", "CANCELLED by 1001")


def write_sacct(
    path: Path, runs: int, start: int = START, span: int = MONTH, projects: int = 7,
    each: int = 20,
) -> None:  # fmt: skip
    """``runs`` records in order of Submit, by default over June 2026; ``each``: an experiment's.

    With one run each no two are of one experiment.
    """
    chance = random.Random(2026)
    with path.open("w") as file:
        file.write("|".join(FIELDS) + "\n")
        for i in range(runs):
            file.write(_line(i, start + i * span // runs, chance, projects, each) + "\n")


def _line(i: int, submit: int, chance: random.Random, projects: int, each: int) -> str:
    start = submit + chance.randrange(600)
    elapsed = chance.randrange(1, 20_000)
    # a sweep's runs come near each other: about a thousand experiments are under way
    experiment = (i + chance.randrange(1000 * each if each > 1 else 1)) // each
    team = TEAMS[experiment % len(TEAMS)]
    gpus = 1 << chance.randrange(4)
    comment = (
        f'{{"team":"{team}","project":"{team}-p{experiment % projects}",'
        f'"experiment":"run-{experiment}","model":"llama-3-{experiment % 4}"}}'
    )
    tres = f"billing={gpus * 8},cpu={gpus * 8},gres/gpu:h100={gpus},gres/gpu={gpus},"
    fields = {
        "JobIDRaw": 1000 + i, "JobID": 1000 + i, "JobName": f"train-{i % 1000}",
        "User": f"{team}{i % 40}", "Account": team, "Partition": "h100", "QOS": "normal",
        "Cluster": "alpha", "State": STATES[chance.randrange(len(STATES))], "Submit": submit,
        "Start": start, "End": start + elapsed, "ElapsedRaw": elapsed, "Suspended": "00:00:00",
        "TimelimitRaw": 1440, "AllocTRES": f"{tres}mem={gpus * 62}G,node=1",
        "NodeList": f"n{i % 64:03d}", "ExitCode": "0:0", "Comment": comment,
    }  # fmt: skip
    return "|".join(str(fields.get(name, "")) for name in FIELDS)


def spot_rates(folder: Path) -> str:
    """A finops.toml with an on-demand card and a 5-minute spot series over the month."""
    chance = random.Random(7)
    lines = [
        'cluster = "alpha"\ncurrency = "USD"\n'
        '[[rates]]\nsku = "gres/gpu:h100"\nprice = "3.92"\nfrom = 2026-01-01\n'
    ]
    for step in range((MONTH + 2 * 86_400) // 300):
        hours, minutes = divmod(step * 5, 60)
        day, hour = divmod(hours, 24)
        at = f"2026-{6 if day < 30 else 7:02d}-{day % 30 + 1:02d}T{hour:02d}:{minutes % 60:02d}:00Z"
        price = f"2.{chance.randrange(500_000, 999_999):06d}"
        lines.append(
            f'[[rates]]\nsku = "gres/gpu:h100"\nprice = "{price}"\nfrom = {at}\n'
            'pricing = "spot"\nmatch = { partition = "h100" }\n'
        )
    path = folder / "spot.toml"
    path.write_text("".join(lines))
    return str(path)
