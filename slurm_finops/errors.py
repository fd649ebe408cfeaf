"""What can go wrong, by who has to act on it.

The command line turns each into one message on stderr and an exit code;
nothing else in the package exits or prints.
"""


class FinopsError(Exception):
    """Something a person has to mend; the text names the cause and the next step."""

    exit_code = 2


class ConfigError(FinopsError):
    """finops.toml is wrong: the text names file, key and what was expected."""


class InputError(FinopsError):
    """The material given (a saved file, a period, a tag) cannot be used as it is."""


class RefusedError(FinopsError):
    """The answer is no: a policy, a check or a reconciliation does not hold."""

    exit_code = 1


class OutsideError(FinopsError):
    """Something outside failed (sacct, SMTP, the disk); what was whole is kept."""

    exit_code = 3
