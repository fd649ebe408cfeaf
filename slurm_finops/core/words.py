"""Numbers as people say them."""


def count(number: int, one: str, many: str = "") -> str:
    """``1 run``, ``2,304 runs``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
