"""The ``#SBATCH`` lines of a batch script, and a command line's words, as sbatch reads them."""

import shlex
from collections.abc import Sequence

_SHORT = {
    "A": "account", "p": "partition", "q": "qos", "J": "job-name", "n": "ntasks", "N": "nodes",
    "t": "time", "a": "array", "c": "cpus-per-task", "G": "gpus", "C": "constraint",
    "M": "clusters", "o": "output", "e": "error", "i": "input", "w": "nodelist", "x": "exclude",
    "d": "dependency", "D": "chdir", "L": "licenses", "b": "begin", "F": "nodefile", "B":
    "extra-node-info", "m": "distribution", "S": "core-spec",
}  # fmt: skip
#: Long options that take no value, or only one behind ``=``.
_FLAGS = frozenset(
    "contiguous exclusive get-user-env hold ignore-pbs kill-on-invalid-dep nice no-kill "
    "no-requeue overcommit oversubscribe parsable propagate quiet reboot requeue spread-job "
    "test-only use-min-nodes verbose wait".split()
)
#: Short ones: H is --hold, O --overcommit, s --oversubscribe, and so on.
_SHORT_FLAGS = "HOQWhkvs"
#: What stands between the components of a het job; the older name is pack.
_HET = ("hetjob", "packjob")


def header_components(script: str) -> list[dict[str, str]]:
    """Options by their long names, of each component of a het job; the last one given stands.

    sbatch stops reading at the first line that is neither blank nor a comment
    (sbatch's man page), and splits each line as a shell would.  An indented
    ``#SBATCH`` is only a comment to it.
    """
    components: list[dict[str, str]] = [{}]
    for line in script.split("\n"):
        if line.startswith("#SBATCH"):
            options, others = _split(line.removeprefix("#SBATCH"))
            if others and others[0] in _HET:
                components.append({})
            components[-1].update(options)
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return components


def _split(text: str) -> tuple[dict[str, str], list[str]]:
    try:
        return options_of(shlex.split(text, comments=True))
    except ValueError:
        return {}, []


def options_of(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """``(options by their long names, other words)``; a flag's value is empty."""
    found: dict[str, str] = {}
    others: list[str] = []
    name = ""
    for word in words:
        if name:
            found[name], name = word, ""
        elif word.startswith("--") and len(word) > 2:
            key, equals, value = word[2:].partition("=")
            found[key] = value
            name = "" if equals or key in _FLAGS else key
        elif len(word) > 1 and word[0] == "-" and word[1] in _SHORT:
            key = _SHORT[word[1]]
            found[key] = word[2:].removeprefix("=")
            name = key if len(word) == 2 else ""
        elif not (len(word) > 1 and word[0] == "-" and word[1] in _SHORT_FLAGS):
            others.append(word)
    return found, others
