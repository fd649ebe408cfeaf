"""The ``#SBATCH`` lines of a batch script, as sbatch reads them."""

import shlex

_SHORT = {
    "A": "account", "p": "partition", "q": "qos", "J": "job-name", "n": "ntasks", "N": "nodes",
    "t": "time", "a": "array", "c": "cpus-per-task", "G": "gpus", "C": "constraint",
}  # fmt: skip


def header_options(script: str) -> dict[str, str]:
    """Options by their long names; the last one given stands.

    sbatch stops reading at the first line that is neither blank nor a comment
    (sbatch's man page), and splits each line as a shell would.  An indented
    ``#SBATCH`` is only a comment to it.
    """
    options: dict[str, str] = {}
    for line in script.split("\n"):
        if line.startswith("#SBATCH"):
            options.update(_options(line.removeprefix("#SBATCH")))
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return options


def _options(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            found[key], name = value, "" if equals else key
        elif len(word) > 1 and word[0] == "-" and word[1] in _SHORT:
            key = _SHORT[word[1]]
            found[key], name = word[2:].removeprefix("="), "" if len(word) > 2 else key
        elif name:
            found[name], name = word, ""
    return found
