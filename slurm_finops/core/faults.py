"""What can be wrong with a job's comment, in words that say what to type.

The same words are compiled into the job-submit hook.
"""

import re
from typing import NamedTuple

#: What is said of each fault; ``{key}``, ``{detail}`` and ``{hint}`` are filled in.
MESSAGES = {
    "absent": "the job has no --comment",
    "too_long": "the comment is {detail} bytes long; Slurm keeps at most 1024",
    "not_utf8": "the comment is not UTF-8 text: {detail}",
    "not_json": "the comment is not JSON: {detail}",
    "unquoted": "the comment is not JSON: {detail}; in a shell, put single quotes around it",
    "not_object": 'the comment is not a JSON object; it must look like {"team": "..."}',
    "too_deep": "the comment is nested more than 32 deep",
    "duplicate": '"{key}" is given twice; give it once',
    "disagree": '"{key}" is given as {detail}, which disagree; give one of them',
    "not_string": '"{key}" is {detail}; put its value in double quotes',
    "empty": '"{key}" is empty; give it a value or leave it out',
    "control": '"{key}" holds a control character ({detail}); remove it',
    "lookalike": '"{key}" holds {detail}, which cannot be told from a plain letter or space; '
    "write it plainly",
    "surrogate": '"{key}" holds half of a surrogate pair; write the character itself',
    "missing": '"{key}" is missing',
    "misspelt": '"{key}" is missing; the comment has "{detail}" instead',
    "placeholder": '"{key}" is still {detail}; put your own value there',
    "value_too_long": '"{key}" is {detail} bytes long; at most {hint} are allowed',
    "spaces": '"{key}" begins or ends with a space; remove it',
    "unknown": 'unknown {key} "{detail}"',
    "unknown_near": 'unknown {key} "{detail}"; did you mean "{hint}"?',
    "unknown_of": 'unknown {key} "{detail}"; known: {hint}',
    "not_yours": 'account {hint} may not charge team "{detail}"',
}

#: Faults that leave no tag to look at.
UNREADABLE = frozenset(
    ("absent", "too_long", "not_utf8", "not_json", "unquoted", "not_object", "too_deep")
)


_PLACES = re.compile(r"\{(key|detail|hint)\}")


class Fault(NamedTuple):
    """One thing wrong: a code of `MESSAGES`, the tag, what was seen, what helps."""

    code: str
    key: str = ""
    detail: str = ""
    hint: str = ""

    @property
    def message(self) -> str:
        """One line that says what to type."""
        # in one pass: what a user typed may look like a placeholder itself
        return _PLACES.sub(lambda place: getattr(self, place[1]), MESSAGES[self.code])
