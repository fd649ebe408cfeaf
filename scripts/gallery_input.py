"""Fifteen weeks of two teams, for the gallery: the same bytes every time."""

import json
import random
from pathlib import Path

#: Monday, 2 March 2026, in UTC.
START = 1_772_409_600
DAYS = 100
#: Team -> project, its experiments and how busy it is.
TEAMS = {
    "nlp": [
        ("llama-finetune", ["lr-sweep", "ctx-32k", "dpo-v3", "tokenizer"], 1.0),
        ("eval-harness", ["mmlu", "longbench"], 0.5), ("prod-inference", ["canary"], 0.3),
    ],
    "cv": [("segmenter", ["unet-l", "sam"], 0.7), ("video-index", ["frames"], 0.5)],
}  # fmt: skip
STATES = {
    "COMPLETED": 82, "FAILED": 7, "TIMEOUT": 5, "CANCELLED by 1001": 4, "OUT_OF_MEMORY": 1.5,
    "NODE_FAIL": 0.5,
}  # fmt: skip
SITE = """\
cluster = "alpha"
currency = "USD"
database = "ledger.db"
[tags]
required = ["team", "project", "experiment"]
registry = true
[[rates]]
sku = "gres/gpu:h100"
price = "3.92"
from = 2026-01-01
[[teams]]
name = "nlp"
cost_center = "product-ai"
email = ["nlp-pi@example.org"]
budget = "24000.00"
slack_webhook_file = "slack.secret"
[[teams.projects]]
name = "llama-finetune"
[[teams.projects]]
name = "eval-harness"
[[teams.projects]]
name = "prod-inference"
[[teams.budgets]]
name = "grant 17-204"
amount = "90000.00"
from = 2026-03-01
until = 2026-09-01
[[teams]]
name = "cv"
cost_center = "research-lab"
email = ["cv-pi@example.org"]
budget = "16000.00"
[[teams.projects]]
name = "segmenter"
[[teams.projects]]
name = "video-index"
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:9"
digest = ["finance@example.org"]
"""


def write_site(folder: Path) -> None:
    """finops.toml and the sacct file that it is to be filled from."""
    chance = random.Random(4)
    names = "JobIDRaw JobID JobName User Account Partition QOS State Submit Start End ElapsedRaw " \
            "AllocTRES Comment Cluster"  # fmt: skip
    lines = [names.replace(" ", "|")]
    for day in range(DAYS):
        for team, projects in TEAMS.items():
            for project, experiments, weight in projects:
                often = weight * (0.35 if day % 7 >= 5 else 1) * (1 + day / 300)
                for _ in range(max(0, round(chance.gauss(7 * often, 1.2)))):
                    lines.append(_run(len(lines), team, project, experiments, day, chance))
    (folder / "runs.txt").write_text("\n".join(lines) + "\n")
    (folder / "slack.secret").write_text("http://127.0.0.1:9/hook\n")
    (folder / "slack.secret").chmod(0o600)
    (folder / "finops.toml").write_text(SITE)


def _run(
    number: int, team: str, project: str, experiments: list[str], day: int, chance: random.Random
) -> str:
    start = START + day * 86_400 + chance.randrange(80_000)
    elapsed = int(chance.lognormvariate(9.3, 0.8))
    gpus = chance.choice([1, 1, 2, 4, 8])
    (state,) = chance.choices(list(STATES), list(STATES.values()))
    tags = {"team": team, "project": project, "experiment": chance.choice(experiments)}
    luck = chance.random()
    if luck < 0.03:
        tags["project"] = project.replace("-", "_")
    comment = "" if luck > 0.97 else json.dumps(tags)
    tres = f"billing={gpus * 16},cpu={gpus * 16},gres/gpu={gpus},gres/gpu:h100={gpus},node=1"
    fields = (
        1000 + number, 1000 + number, f"train-{tags['experiment']}",
        f"{team}{chance.randrange(1, 5)}", team, "h100", "normal", state, start - 60, start,
        start + elapsed, elapsed, tres, comment, "alpha",
    )  # fmt: skip
    return "|".join(map(str, fields))
