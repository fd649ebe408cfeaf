"""Statements for tests: one with all that a statement may have, its draft, and that of a fund."""

from dataclasses import replace
from datetime import date

from slurm_finops.core.posted import Item, Payer, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.reports.statement import Issue, Statement, statement
from slurm_finops.reports.view import Header

HEADER = Header(
    "USD", 2, "Europe/Berlin", "2026-06", "2026-06-01T00:00:00+02:00", "2026-07-01T00:00:00+02:00",
    date(2026, 6, 1), date(2026, 6, 30),
)  # fmt: skip
GRANT = Payer("grant-4711", "4000-4711-6000", "Example University")
BASE = Payer("base", "4000-0001-6000", "Example University")
CLOSED = Issue(
    "FIN-2026-000007", "Example University", "team", "nlp", "closed", 1_783_062_720, "ann",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    4_178_210, "2026-01 to 2026-05",
    waived=(("reconcile", "sreport of 3 June was down; beta is reconciled by hand"),),
    held=(("INC-2291, charged during the outage of 14 June", 18_816),),
    notes=("Account codes of grant-4711 change on 1 August 2026.",),
)  # fmt: skip
DRAFT = replace(CLOSED, number="", state="draft", closed_at=None, closed_by="", sha256="",
                waived=())  # fmt: skip
H100, A100, CPU = "gres/gpu:h100", "gres/gpu:a100", "cpu"


def a_day(day: int, month: int = 6) -> int:
    """A billing day of 2026."""
    return (date(2026, month, day) - date(1970, 1, 1)).days


def an_item(category: str, origin: str = "", **more: str) -> Item:
    """What a line is for; ``sku``, ``pricing``, ``method``, ``of_class``."""
    known = {"sku": "", "pricing": category, "method": "", "of_class": ""} | more
    return Item(category=category, origin=origin, **known)


def a_line(
    item: Item, minor: int, hours: int = 0, project: str | None = "llama-finetune",
    payer: Payer = GRANT, day: int = 3, team: str | None = "nlp", of: tuple[int, str] | None = None,
) -> Posted:  # fmt: skip
    """A line of June; ``of``: the month that it corrects, and that one's statement."""
    month, original = of or (6, "")
    return Posted(
        0, "2026-06", "FIN-2026-000007", original, of is not None, a_day(day, month), "alpha",
        Tags(team, project, "lr-sweep", "prod", "llama-3-70b", "product-ai"), item, payer,
        hours * 3600, *[minor * 36_000_000] * 4, minor,
    )  # fmt: skip


def usage(pricing: str, sku: str = H100) -> Item:
    return an_item("usage", pricing=pricing, sku=sku)


MAY = 5, "FIN-2026-000004"
#: Of a team: every section, and two of its days.
LINES = (
    a_line(usage("on_demand"), 470_400, 1200),
    a_line(usage("on_demand"), 32_928, 84, day=4),
    a_line(usage("spot"), 116_400, 400),
    a_line(usage("committed", A100), 0, 620, "summarizer"),
    a_line(usage("on_demand"), 39_200, 100, None, BASE),
    a_line(an_item("share", "owned-a100", method="by use of the hour"), 68_200, 620, "summarizer"),
    a_line(an_item("unused", "owned-a100", method="proportional by gpu_hours"), 11_013, 0,
           None, BASE),
    a_line(an_item("overhead", "monitoring", method="even"), 4_100, 0, None, BASE),
    a_line(an_item("line", "scratch storage", method="direct"), 12_500, 0, None, BASE),
    a_line(an_item("forgiven", "node failures"), -7_840),
    a_line(an_item("allocation", "nlp spring"), -100_000, 0, "summarizer"),
    a_line(an_item("adjustment", "INC-2203: twice charged"), -3_920),
    a_line(usage("on_demand"), 100, 1, of=MAY, day=31),
    a_line(usage("on_demand"), -7_840, -20, of=MAY, day=12),
    a_line(usage("on_demand"), 7_840, 20, "summarizer", of=MAY, day=12),
    a_line(an_item("credit", "loyalty"), -250, of=(4, "FIN-2026-000002"), day=2),
    a_line(an_item("surcharge", "external users", of_class="industry"), 31_230, payer=BASE),
    a_line(an_item("tax", "VAT 19%", of_class="industry"), 128_070, payer=BASE),
    a_line(an_item("tax", "VAT 19%", of_class="industry"), 19, payer=BASE, of=MAY),
)
LINES = tuple(line._replace(line=i) for i, line in enumerate(LINES, 1))


def a_statement(issue: Issue = CLOSED, header: Header = HEADER) -> Statement:
    return statement(LINES, issue, header)


def a_draft() -> Statement:
    lines = (line._replace(line=0, statement="") for line in LINES)
    return statement(lines, DRAFT, HEADER)


def of_a_fund() -> Statement:
    """What a fund pays of two teams and of nobody's use, of GPUs and of cores."""
    issue = replace(CLOSED, kind="fund", owner="base", opening_minor=0, opening_label="",
                    waived=(), held=(), notes=())  # fmt: skip
    return statement([
        a_line(usage("on_demand"), 47_040, 120, payer=BASE),
        a_line(usage("on_demand"), 3_920, 10, "resnet", BASE, team="cv"),
        a_line(usage("on_demand", CPU), 512, 512, "resnet", BASE, team="cv"),
        a_line(usage("on_demand"), 784, 2, None, BASE, team=None),
    ], issue, HEADER)  # fmt: skip
