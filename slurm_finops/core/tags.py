"""The tag schema, and one strict parser from a job's comment to tags or faults.

A comment is RFC 8259 JSON of at most 1024 bytes: one object, whose known keys
hold non-empty strings.  What is wrong is a value (a `Fault`), never an
exception: a bad comment must not cost a run its place in the ledger.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

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
UNTAGGED = Tags()

#: What is said of each fault; ``{key}`` and ``{detail}`` are filled in.
MESSAGES = {
    "absent": "no tags: the job has no --comment",
    "too_long": "the comment is {detail} bytes long; Slurm keeps at most 1024",
    "not_json": "the comment is not JSON: {detail}",
    "not_object": 'the comment is not a JSON object; it must look like {{"team": "..."}}',
    "too_deep": "the comment is nested more than 32 deep",
    "duplicate": '"{key}" is given twice; give it once',
    "disagree": '"{key}" is given as {detail}, which disagree; give one of them',
    "not_string": '"{key}" is {detail}; put its value in double quotes',
    "empty": '"{key}" is empty; give it a value or leave it out',
    "control": '"{key}" holds a control character ({detail}); remove it',
    "surrogate": '"{key}" holds half of a surrogate pair; write the character itself',
    "missing": '"{key}" is missing',
    "value_too_long": '"{key}" is {detail} bytes',
    "spaces": '"{key}" begins or ends with a space; remove it',
    "unknown": 'unknown {key} {detail}',
    "not_yours": 'account {detail} may not charge this "{key}"',
}

#: Faults that leave no tag to look at.
UNREADABLE = frozenset(("absent", "too_long", "not_json", "not_object", "too_deep"))


class Fault(NamedTuple):
    """One thing wrong with a comment: a code of `MESSAGES`, the tag, what was seen."""

    code: str
    key: str = ""
    detail: str = ""

    @property
    def message(self) -> str:
        """One line that says what to type."""
        return MESSAGES[self.code].format(key=self.key, detail=self.detail)


class Claim(NamedTuple):
    """What a run says of itself, where it says it, and what was wrong with that.

    ``source`` is ``seal``, ``comment`` or ``none``; after the site's policy also
    ``account`` (a contested claim, billed to the account's own team).
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
ABSENT = Claim(faults=(Fault("absent"),))


def parse_comment(text: str) -> Claim:
    """The claim in a ``--comment``.  Never raises."""
    return _parse(text, "comment") if text else ABSENT


def parse_seal(admin_comment: str) -> Claim | None:
    """The tags the job-submit hook sealed into AdminComment, if it did.

    Other programs write there too (jobstats: ``JS1:...``), so anything that is
    not our own object is simply no seal.
    """
    if SEAL_KEY not in admin_comment:
        return None
    pairs, _ = _object(admin_comment.strip(_WHITE))
    seal: Any = dict(pairs).get(SEAL_KEY)
    if not _is_object(seal):
        return None
    tags: Any = dict(seal).get("tags")
    return _claim(tags, "seal", plain=False) if _is_object(tags) else None


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
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_COMMENT_BYTES:
        return Claim(faults=(Fault("too_long", detail=str(size)),), source=source)
    pairs, fault = _object(text.strip(_WHITE))
    if fault:
        return Claim(faults=(fault,), source=source)
    plain = "\\" not in text and text.isprintable() and (text.isascii() or not _refused(text))
    return _claim(pairs, source, plain)


def _object(text: str) -> tuple[tuple[tuple[str, Any], ...], Fault | None]:
    """The pairs of a JSON object, or the fault that kept it from being one."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return (), Fault("too_deep")
    try:
        value, end = _scan(text, 0)
    except StopIteration as stop:
        return (), Fault("not_json", detail=f"expected a value at character {stop.value + 1}")
    except json.JSONDecodeError as error:
        return (), Fault("not_json", detail=f"{error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return (), Fault("not_json", detail=str(error))
    if end != len(text):
        return (), Fault("not_json", detail=f"something follows it at character {end + 1}")
    if not _is_object(value):
        return (), Fault("not_object")
    return value, None


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
    found = _refused(value)
    if found is None:
        return None
    if is_control(found[0]):
        return Fault("control", key, f"U+{ord(found[0]):04X}")
    return Fault("surrogate", key)


#: What may stand in no tag, first and last code points: C0, DEL and C1 controls,
#: line and paragraph separators, the marks that reorder text (UAX 9), whatever a
#: renderer leaves out (Default_Ignorable_Code_Point, UAX 44) and interlinear
#: annotations: two teams must never differ by what nobody can see.
CONTROLS = (
    (0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_SURROGATES = (0xD800, 0xDFFF)


def _any_of(*ranges: tuple[int, int]) -> re.Pattern[str]:
    return re.compile(f"[{''.join(f'{chr(a)}-{chr(b)}' for a, b in ranges)}]")


_control = _any_of(*CONTROLS).match
_refused = _any_of(*CONTROLS, _SURROGATES).search


def is_control(char: str) -> bool:
    """Whether a character is one of `CONTROLS`."""
    return _control(char) is not None


def make_comment(tags: Tags) -> str:
    """The shortest right comment for these tags."""
    given = {key: value for key, value in tags._asdict().items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))
