"""docs/commands.md: every command's own help."""

from collections.abc import Iterator

import click

from slurm_finops.cli import main

HEAD = """\
# Commands

Made from the commands' own help by `scripts/docs`.

Exit codes: 0 done; 1 the answer is no (a policy or a check fails); 2 wrong usage, configuration or
input; 3 something outside failed (sacct, SMTP, the disk) and nothing was lost.
"""


def pages(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    """A command's help and that of the commands below it."""
    context = click.Context(
        command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=96,
        max_content_width=96,
    )  # fmt: skip
    yield f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from pages(below, f"{path} {name}", context)


def commands_page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *pages(main, "slurm-finops", None)])


if __name__ == "__main__":
    print(commands_page(), end="")
