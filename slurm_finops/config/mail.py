"""Who is told, how and how often: ``[mail]``, ``[slack]``, ``[privacy]``, ``[[cost_centers]]``."""

import re
from email.utils import getaddresses
from pathlib import Path

from slurm_finops.config.fields import unique
from slurm_finops.config.model import CADENCES, CHANNELS, CostCenter, Mail, Privacy, Slack, Team
from slurm_finops.config.table import Table
from slurm_finops.core.near import nearest

#: Plain addresses: whatever needs quotes or another alphabet, many servers refuse.
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.A | re.I)
_PEOPLE = ("names", "pseudonyms", "none")
_MOST_A_MINUTE = 6000
_LOCALE = 'a locale such as "de_DE"'


def is_address(text: str) -> bool:
    """Whether a text is a plain address, and nothing else."""
    return _ADDRESS.fullmatch(text) is not None


def addresses(table: Table, key: str = "email") -> tuple[str, ...]:
    """A list of addresses; absent: none."""
    found: tuple[str, ...] = table.texts(key, "a list of mail addresses")
    for address in found:
        if not is_address(address):
            raise table.fail(key, f'{address!r} is no address such as "pi@example.org"')
    return found


def file_of(table: Table, key: str) -> Path | None:
    """A file beside finops.toml; absent: None.  Not opened here: who reads reports may not."""
    name = table.text(key, "a file name", None)
    return table.path.parent / name if name else None


def webhook_file_of(table: Table, key: str) -> Path | None:
    """The same of a file that holds a webhook's URL, which is a secret and no name of a file."""
    name = table.text(key, "a file name", None)
    if name and "://" in name:
        raise table.fail(key, "is a URL, and who knows it may post there; put it into a file of "
                         "mode 0600 and name that file")  # fmt: skip
    return table.path.parent / name if name else None


def mail_of(table: Table) -> Mail:
    """``[mail]``."""
    sender = table.text("from", "an address")
    _check_sender(table, "from", sender)
    reply_to = table.text("reply_to", "an address", None) or ""
    if reply_to:
        _check_sender(table, "reply_to", reply_to)
    mail = Mail(
        sender=sender,
        smtp=table.text("smtp", 'a URL such as "smtp://mail.example.org:587"'),
        password_file=file_of(table, "password_file"),
        every=_cadences(table, ("week",)),
        per_minute=_per_minute(table),
        runs_csv=table.take("runs_csv", bool, "true or false", False),
        digest=addresses(table, "digest"),
        reply_to=reply_to,
    )
    table.done()
    return mail


def _check_sender(table: Table, key: str, text: str) -> None:
    """One address, or a name with one in angle brackets."""
    found = getaddresses([text])
    if len(found) != 1 or not is_address(found[0][1]):
        raise table.fail(key, f'is {text!r}; expected one such as "finops@example.org"')


def _per_minute(table: Table) -> int:
    found: int = table.take("per_minute", int, "a whole number of mails", 60)
    if not 1 <= found <= _MOST_A_MINUTE:
        raise table.fail("per_minute", f"is {found}; expected 1 to {_MOST_A_MINUTE} mails")
    return found


def _cadences(table: Table, default: tuple[str, ...]) -> tuple[str, ...]:
    """``every``: one of the cadences, or a list of them."""
    expected = f"{', '.join(CADENCES)} or a list of them"
    given = table.take("every", (str, list), expected, None)
    if given is None:
        return default
    names = [given] if isinstance(given, str) else given
    if not names or not all(name in CADENCES for name in names):
        raise table.fail("every", f"is {given!r}; expected {expected}")
    unique(table, "every", names)
    return tuple(name for name in CADENCES if name in names)


def slack_of(table: Table | None, mail: Mail | None) -> Slack:
    """``[slack]``; as often as mails where it does not say."""
    usual = mail.every if mail else ("week",)
    if table is None:
        return Slack(every=usual)
    slack = Slack(webhook_file_of(table, "webhook_file"), _cadences(table, usual))
    table.done()
    return slack


def privacy_of(table: Table) -> Privacy:
    """``[privacy]``: ``people``, and each channel that differs."""
    people = table.choice("people", _PEOPLE, "names")
    found = Privacy(people, **{name: table.choice(name, _PEOPLE, people) for name in CHANNELS})
    table.done()
    return found


def cost_centers_of(top: Table, teams: tuple[Team, ...]) -> tuple[CostCenter, ...]:
    """``[[cost_centers]]``, each of some team: another name is a slip."""
    known = sorted({team.cost_center for team in teams if team.cost_center})
    found = tuple(_cost_center(table, known) for table in top.tables("cost_centers"))
    unique(top, "cost_centers", [one.name for one in found])
    return found


def _cost_center(table: Table, known: list[str]) -> CostCenter:
    name = table.text("name", "the cost_center of a team")
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise table.fail("name", f"no team has the cost_center {name!r}; {hint}")
    found = CostCenter(name, addresses(table), addresses(table, "delegates"))
    table.done()
    return found


def locale_of(top: Table) -> str:
    """By what figures and dates are written, as CLDR names it: ``de_DE``."""
    text: str = top.text("locale", _LOCALE, "en")
    if text == "en":
        return text  # most sites': without the cost of loading babel
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(text.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        why = f"is {text!r}, which babel does not know; expected {_LOCALE}"
        raise top.fail("locale", why) from None
