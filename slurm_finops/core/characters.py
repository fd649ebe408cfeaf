"""Characters that may not stand in a tag, as code points: data for Python and for the hook.

And texts made fit to be shown to people and to spreadsheets.
"""

import re

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
SURROGATES = (0xD800, 0xDFFF)
#: What looks like a space, or like a part of the letter before it: a tag written
#: with it and one written without cannot be told apart.  The hook cannot normalise
#: (UAX 15), so neither does anything here.
LOOKALIKES = (
    (0xA0, 0xA0), (0x300, 0x34E), (0x350, 0x36F), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x2800, 0x2800), (0x3000, 0x3000),
)  # fmt: skip


def _any_of(*ranges: tuple[int, int]) -> str:
    return f"[{''.join(f'{chr(a)}-{chr(b)}' for a, b in ranges)}]"


_control = re.compile(_any_of(*CONTROLS)).match
_refused = re.compile(_any_of(*CONTROLS, *LOOKALIKES, SURROGATES)).search
_lookalike = re.compile(_any_of(*LOOKALIKES)).match


def is_control(char: str) -> bool:
    """Whether a character is one of `CONTROLS`."""
    return _control(char) is not None


def is_lookalike(char: str) -> bool:
    """Whether a character is one of `LOOKALIKES`."""
    return _lookalike(char) is not None


def refused(text: str) -> str | None:
    """The first character of a text that may not stand in a tag."""
    found = _refused(text)
    return found[0] if found else None


def visible(text: str) -> str:
    """``text`` with U+FFFD for what moves a cursor, reorders a line or cannot be seen.

    Names are typed by anybody: an escape sequence must not reach a terminal,
    nor a line break a mail's header.
    """
    if text.isascii() and text.isprintable():
        return text  # most are, and a million of them are asked for
    return "".join("\ufffd" if is_control(c) or "\ud800" <= c <= "\udfff" else c for c in text)


#: What a spreadsheet would take for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """A text as a cell of CSV that no spreadsheet takes for a formula."""
    if not (text.isascii() and text.isprintable()):
        text = visible(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
