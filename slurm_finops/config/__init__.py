"""finops.toml -> frozen dataclasses; every error names file, key and remedy."""

from slurm_finops.config.load import load, load_instead
from slurm_finops.config.model import (
    Alerts,
    Config,
    Gate,
    Mail,
    Privacy,
    Project,
    Slack,
    Team,
)

__all__ = [
    "Alerts", "Config", "Gate", "Mail", "Privacy", "Project", "Slack", "Team", "load",
    "load_instead",
]  # fmt: skip
