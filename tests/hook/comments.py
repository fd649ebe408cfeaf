"""Comments as nobody would type them, and some that somebody might: the same for the same seed."""

import json
import random
from collections.abc import Iterator

from slurm_finops.core.policy import Exempt, Policy, TeamRule, Who
from slurm_finops.core.tags import ALIASES, KEYS

#: A site that uses everything a policy can say.
SITE = Policy(
    required=("team", "project", "experiment"),
    max_length=24,
    registry=True,
    allowed={"environment": ("dev", "prod-*"), "model": ("llama-?", "größe*", "gpt")},
    teams=(
        TeamRule("nlp", "product-ai", ("llama-finetune", "moe", "a*b"), accounts=("nlp", "nlp-*")),
        TeamRule("cv", None, ("segment", "detect"), accounts=("cv",), users=("postdoc-?",)),
        TeamRule("größe", "cc.1", ("größte", "größer"), wckeys=("wc*",)),
        TeamRule("open", None, ("anything", *(f"project-of-many-{i}" for i in range(9)))),
    ),
    exempt=Exempt(("root",), ("ops-*",), ("debug", "test*"), ("free",)),
    defaults=(("cv", (("team", "cv"), ("project", "segment"))), ("x*", (("environment", "dev"),))),
)
#: One that leaves everything out.
BARE = Policy(required=())

WHOS = (
    Who("nlp", "ann"), Who("nlp-a", "ann", "", "main"), Who("cv", "bob", "", "main,debug"),
    Who("cv", "bob", "", "debug,test-1"), Who("x1", "postdoc-7"), Who("x1", "postdoc-é", "wc"),
    Who("other", "eve", "wc-1", "main", "normal"), Who("ops-1", "eve"), Who("", "root"),
    Who("nlp", "ann", "", "main", "free"), Who("", ""),
)  # fmt: skip

_VALUES = (
    "nlp", "nlpp", "cv", "vc", "open", "größe", "grösse", "llama-finetune", "llama-finetun", "moe",
    "a*b", "segment", "run-1", "", " x", "x ", "dev", "prod-1", "prd", "llama-3", "größe-1",
    "<team>", "<project>", "{key}", "%s", "a'b", 'a"b', "a\\b", "é", "\u202e", "\u00a0", "\ud800",
    "\U0001f600", "\x00", "\x7f", "y" * 24, "y" * 25, "é" * 13, "e\u0301", "team", "\x1f|",
)  # fmt: skip
_ODD = (7, -0.5, 1e400, True, None, [], ["nlp"], {}, {"team": "nlp"}, 10**30)
_NAMES = (*KEYS, *ALIASES, "x", "taem", "projct", "Team", "", "exp", "environement", "é")
_SNIPPETS = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\\u0041", b"\\ud83d\\ude00", b"\\ud800",
    b"\\udc00", b"\\u00", b"\\x", b"'", b"\xff", b"\xc3\xa9", b"\xc3", b"\xe2\x80\xae",
    b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\n", b"\r", b"\t",
    b"\x00", b"\x1f",
    b"|", b" ", b"%s", b"%d%n", b"NaN", b"Infinity", b"-", b"0", b"00", b"1e5", b"1.", b".5",
    b"true", b"nul", b'"team":"nlp",', b'"cc":"x",', b"[" * 40, b"{" * 40, b'{"a":' * 33,
    b"x" * 400, b"\xef\xbb\xbf", b"/*x*/", b"team=nlp", b"team:nlp,project:moe",
)  # fmt: skip
_RIGHT = (("nlp", "moe"), ("cv", "detect"), ("größe", "größer"), ("open", "anything"),
          ("open", "x"))  # fmt: skip
#: Whole comments that no dice come upon.
_DULL = (b"", b"[]", b'"nlp"', b"7", b"null", b"{}", b"[[]]", b"[" * 33 + b"]" * 33, b" " * 1025)


def whole(dice: random.Random) -> bytes:
    """An object of JSON, right or nearly."""
    pairs = []
    names = dice.sample(_NAMES, dice.randint(0, 5))
    if dice.random() < 0.5:
        names = [*KEYS[:3], *names]
    for name in names:
        value = dice.choice(_ODD) if dice.random() < 0.1 else dice.choice(_VALUES)
        ascii_ = dice.random() < 0.5
        one = json.dumps(name, ensure_ascii=ascii_), json.dumps(value, ensure_ascii=ascii_)
        pairs.append(dice.choice((":", " : ", ":\n")).join(one))
    text = "{" + dice.choice((",", ", ")).join(pairs) + "}"
    return text.encode("utf-8", "surrogatepass")


def right(dice: random.Random) -> bytes:
    """What somebody types who knows the site."""
    team, project = dice.choice(_RIGHT)
    tags = {"team": team, "project": project, "experiment": f"run-{dice.randint(0, 99)}"}
    if dice.random() < 0.5:
        tags["env"] = dice.choice(("dev", "prod-3"))
    return json.dumps(tags, ensure_ascii=dice.random() < 0.5).encode()


def spoilt(dice: random.Random, comment: bytes) -> bytes:
    """A comment with a few slips."""
    for _ in range(dice.randint(1, 4)):
        at, to = sorted((dice.randint(0, len(comment)), dice.randint(0, len(comment))))
        how = dice.randrange(5)
        if how == 0:
            comment = comment[:at] + dice.choice(_SNIPPETS) + comment[at:]
        elif how == 1:
            comment = comment[:at] + comment[min(to, at + 6):]
        elif how == 2:
            comment = comment[:to] + comment[at:]
        elif how == 3:
            comment = comment[:at] + bytes([dice.randrange(256)]) + comment[at + 1:]
        else:
            comment = comment[:at] + dice.choice(_SNIPPETS) + comment[to:]
    return comment


def comments(count: int, seed: int) -> Iterator[tuple[bytes, Who]]:
    """``count`` comments, each with whose job it is."""
    dice = random.Random(seed)
    for _ in range(count):
        kind = dice.random()
        if kind < 0.01:
            yield dice.choice(_DULL), dice.choice(WHOS)
            continue
        if kind < 0.2:
            comment = right(dice)
        elif kind < 0.5:
            comment = whole(dice)
        elif kind < 0.95:
            comment = spoilt(dice, dice.choice((right, whole))(dice))
        else:
            comment = bytes(dice.randrange(256) for _ in range(dice.randint(0, 40)))
        yield comment, dice.choice(WHOS)
