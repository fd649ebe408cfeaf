"""The tag schema, and one strict parser from a job's comment to tags or faults.

A comment is RFC 8259 JSON of at most 1024 bytes: one object, whose known keys
hold non-empty strings.  What is wrong is a value (a `Fault`), never an
exception: a bad comment must not cost a run its place in the ledger.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from slurm_finops.core.characters import is_control, is_lookalike, refused
from slurm_finops.core.faults import MESSAGES, Fault
from slurm_finops.core.jsontext import explain

#: Slurm rejects a longer comment (measured on 22.05: 1025 bytes).
MAX_COMMENT_BYTES = 1024
MAX_DEPTH = 32
SEAL_KEY = "slurm_finops"


class Tags(NamedTuple):
    """Who a run is for.  ``None`` where nobody said."""

    team: str | None = None
    project: str | None = None
    experiment: str | None = None
    environment: str | None = None
    model: str | None = None
    cost_center: str | None = None


KEYS = Tags._fields
ALIASES = {
    "env": "environment",
    "model-name": "model",
    "model_name": "model",
    "cost-center": "cost_center",
    "cc": "cost_center",
}
_CANONICAL = {key: key for key in KEYS} | ALIASES
_plain_key = re.compile(r"[A-Za-z0-9_-]+").fullmatch
UNTAGGED = Tags()


class Claim(NamedTuple):
    """What a run says of itself, where it says it, and what was wrong with that.

    ``source`` is ``seal``, ``comment`` or ``none``; after the site's policy also
    ``rule`` (only its own rules say so), ``account`` (a contested claim, billed
    to the account's own team) and ``retag`` (corrected by hand: `core.retags`).
    """

    tags: Tags = UNTAGGED
    faults: tuple[Fault, ...] = ()
    source: str = "none"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# scan_once is the C scanner that json.loads itself ends in, without the
# regular expressions around it: half the time per comment.
_decoder: Any = json.JSONDecoder(object_pairs_hook=tuple, parse_constant=_refuse_constant)
_scan = _decoder.scan_once
_WHITE = " \t\n\r"
NO_CLAIM = Claim()


def parse_comment(text: str) -> Claim:
    """The claim in a ``--comment``.  Never raises.

    Bytes that are not UTF-8 stand in ``text`` as Python's surrogateescape makes
    them; an accounting record has them written out as ``\\xNN``.
    """
    return _parse(text, "comment") if text else NO_CLAIM


def parse_seal(admin_comment: str) -> Claim | None:
    """The tags the job-submit hook sealed into AdminComment, if it did.

    Other programs write there too (jobstats: ``JS1:...``), so anything that is
    not our own object is simply no seal.
    """
    if SEAL_KEY not in admin_comment:
        return None
    pairs, _ = _object(admin_comment)
    seal: Any = dict(pairs).get(SEAL_KEY)
    if not _is_object(seal):
        return None
    tags: Any = dict(seal).get("tags")
    if not _is_object(tags):
        return None
    claim = _claim(tags, "seal", _is_plain(admin_comment))
    return claim._replace(faults=(*claim.faults, *_sealed_faults(dict(seal).get("faults"))))


def _sealed_faults(faults: Any) -> list[Fault]:
    """What the hook found wrong and let pass: ``[[code, key], …]``."""
    return [
        Fault(*fault) for fault in (faults if isinstance(faults, list) else ())
        if isinstance(fault, list) and len(fault) == 2
        and fault[0] in MESSAGES and fault[1] in ("", *KEYS)
    ]  # fmt: skip


def claim_of(comment: str, admin_comment: str) -> Claim:
    """Seal first, then Comment: a sealed run's Comment is not read."""
    if admin_comment:
        sealed = parse_seal(admin_comment)
        if sealed is not None:
            return sealed
    return parse_comment(comment) if comment else NO_CLAIM


def _is_object(value: Any) -> bool:
    # object_pairs_hook=tuple: objects come as tuples of pairs, arrays as lists
    return isinstance(value, tuple)


def _parse(text: str, source: str) -> Claim:
    pairs, fault = _members(text)
    if fault:
        return Claim(faults=(fault,), source=source)
    return _claim(pairs, source, _is_plain(text))


def _is_plain(text: str) -> bool:
    """Whether no text in this JSON can need a look at its characters."""
    return "\\" not in text and text.isprintable() and (text.isascii() or not refused(text))


def _members(text: str) -> tuple[tuple[tuple[str, Any], ...], Fault | None]:
    """The pairs of the JSON object in a comment, or the fault that kept it from being one."""
    if not text.isascii():
        data = _bytes(text)
        if len(data) > MAX_COMMENT_BYTES:
            return (), Fault("too_long", detail=str(len(data)))
        fault = _not_utf8(data)
        if fault:
            return (), fault
    elif len(text) > MAX_COMMENT_BYTES:
        return (), Fault("too_long", detail=str(len(text)))
    return _object(text)


def _bytes(text: str) -> bytes:
    """A comment as it was submitted."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves of surrogate pairs are no bytes of anybody's
        return text.encode("utf-8", "surrogatepass")


def _not_utf8(data: bytes) -> Fault | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Fault("not_utf8", detail=f"0x{data[error.start]:02x} at byte {error.start + 1}")
    return None


def _object(text: str) -> tuple[tuple[tuple[str, Any], ...], Fault | None]:
    """The pairs of a JSON object, or the fault that kept it from being one."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return (), Fault("too_deep")
    inner = text.strip(_WHITE)
    try:
        value, end = _scan(inner, 0)
        whole = end == len(inner)
    except (StopIteration, ValueError, RecursionError):
        whole = False
    if not whole:
        # a shell takes the double quotes away
        code = "not_json" if '"' in text else "unquoted"
        return (), Fault(code, detail=explain(text) or "it is not JSON")
    return (value, None) if _is_object(value) else ((), Fault("not_object"))


def unknown_keys(text: str) -> list[str]:
    """Keys of a comment that are no tags, of plain characters, in order."""
    pairs, _ = _members(text)
    return [key for key, _ in pairs if key not in _CANONICAL and _plain_key(key)]


def _depth(text: str) -> int:
    """How deep brackets nest outside strings."""
    depth = deepest = 0
    inside = escaped = False
    for char in text:
        if inside:
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


_PLAIN = frozenset((str, type(None)))


def _claim(pairs: Iterable[tuple[str, Any]], source: str, plain: bool) -> Claim:
    """Tags and faults of an object's pairs; ``plain`` if no text in it can need a look."""
    pairs = tuple(pairs)
    found: dict[str, Any] = dict(pairs)
    if plain and len(found) == len(pairs) and ALIASES.keys().isdisjoint(found):
        tags = Tags(*map(found.get, KEYS))
        # None is either absent or a JSON null, which the slow way tells apart
        if _PLAIN.issuperset(map(type, tags)) and "" not in tags and None not in found.values():
            return Claim(tags, (), source)
    return _slow_claim(pairs, source)


def _slow_claim(pairs: tuple[tuple[str, Any], ...], source: str) -> Claim:
    faults = [Fault("duplicate", key) for key in _repeated(key for key, _ in pairs)]
    repeated = {fault.key for fault in faults}
    values: dict[str, tuple[str, str]] = {}
    for given, value in pairs:
        key = _CANONICAL.get(given)
        if key is None or given in repeated:
            continue
        fault = _value_fault(given, value)
        if fault:
            faults.append(fault)
        elif key in values and values[key][1] != value:
            # one fault however many disagree; "" is a value that was disputed
            if values[key][1]:
                faults.append(Fault("disagree", key, f'"{values[key][0]}" and "{given}"'))
            values[key] = (values[key][0], "")
        elif key not in values:
            values[key] = (given, value)
    tags = Tags(**{key: value for key, (_, value) in values.items() if value})
    return Claim(tags, tuple(faults), source)


def _repeated(keys: Iterable[str]) -> list[str]:
    """Known keys given more than once, each named once, in order of appearance."""
    seen: dict[str, int] = {}
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
    return [key for key, count in seen.items() if count > 1 and key in _CANONICAL]


_JSON_NAMES = {bool: "true or false", type(None): "null", list: "a list", tuple: "an object"}


def _value_fault(key: str, value: Any) -> Fault | None:
    if not isinstance(value, str):
        return Fault("not_string", key, _JSON_NAMES.get(type(value), "a number"))
    if not value:
        return Fault("empty", key)
    found = refused(value)
    if found is None:
        return None
    if is_control(found):
        return Fault("control", key, f"U+{ord(found):04X}")
    if is_lookalike(found):
        return Fault("lookalike", key, f"U+{ord(found):04X}")
    return Fault("surrogate", key)


def make_comment(tags: Tags) -> str:
    """The shortest right comment for these tags."""
    given = {key: value for key, value in tags._asdict().items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))
