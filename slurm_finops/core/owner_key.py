"""What the outbox knows an owner of costs by: ``team:nlp``, ``project:nlp/llama``, ``site``.

Names may hold any character, so a slash in a team's or a project's name is written
``%2F``: team ``a`` with project ``b/c`` is another than team ``a/b`` with project ``c``.
"""

import re
from typing import NamedTuple

#: A percent sign is only escaped where it would be read as an escape.
_TO_ESCAPE = re.compile(r"/|%(?=2F|25)")
_ESCAPED = re.compile(r"%2F|%25")
_ESCAPES = {"/": "%2F", "%": "%25"}
_PLAIN = {escape: plain for plain, escape in _ESCAPES.items()}


class Named(NamedTuple):
    """Whom a key names; a cost centre, the site and what nobody tagged have no team."""

    team: str = ""
    project: str = ""


def owner_key(team: str, project: str = "", cost_center: str = "") -> str:
    """The key of a team, a project, a cost centre, or with no name of the whole site."""
    if cost_center:
        return f"cost_center:{cost_center}"
    if not team:
        return "site"
    return f"project:{escaped(team)}/{escaped(project)}" if project else f"team:{team}"


def named_by(key: str) -> Named:
    """The team and project of a key that `owner_key` made."""
    kind, _, name = key.partition(":")
    if kind == "team":
        return Named(name)
    if kind == "project":
        team, _, project = name.partition("/")
        return Named(plain(team), plain(project))
    return Named()


def shown_key(key: str) -> str:
    """A key for people, with names as they are; ``alert:`` may stand before it."""
    return plain(key) if key.startswith(("project:", "alert:project:")) else key


def escaped(name: str) -> str:
    """A name without a slash."""
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], name)


def plain(text: str) -> str:
    """What was escaped."""
    return _ESCAPED.sub(lambda found: _PLAIN[found[0]], text)
