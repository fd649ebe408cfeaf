"""An alert as Block Kit, for a Slack channel."""

from typing import Any

from slurm_finops.billing.alerts import Alert
from slurm_finops.reports import alerts
from slurm_finops.reports.alerts import Style
from slurm_finops.reports.blocks import HEADER, SECTION, escaped, plain


def payload(alert: Alert, style: Style, as_of: str) -> dict[str, Any]:
    """What is posted; ``text`` is what a notification shows."""
    title = alerts.subject(alert, style.header)
    said = alerts.facts(alert, style.header)
    if alert.odd:
        said += [f"• {line}" for line in alerts.run_lines(alert.odd, style)]
    blocks = [
        {"type": "header", "text": plain(title, HEADER)},
        {"type": "section", "text": plain("\n".join(said), SECTION)},
        {"type": "context", "elements": [
            plain(f"More: {alerts.next_step(alert)}", SECTION), plain(alerts.foot(as_of), SECTION),
        ]},
    ]  # fmt: skip
    return {
        "text": escaped(title, SECTION), "blocks": blocks,
        "unfurl_links": False, "unfurl_media": False,
    }  # fmt: skip
