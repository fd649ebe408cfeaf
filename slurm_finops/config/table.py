"""A TOML table, read key by key: each error names file, key and remedy."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slurm_finops.core.characters import is_control
from slurm_finops.core.near import nearest
from slurm_finops.errors import ConfigError, FinopsError


def read_toml(path: Path, otherwise: str) -> "Table":
    """The whole of a TOML file; ``otherwise`` says what to do where it cannot be read."""
    try:
        return Table(path, "", tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; {otherwise}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


class Table:
    """A TOML table being read: each key is taken once, with its type; leftovers are errors."""

    def __init__(self, path: Path, name: str, data: Mapping[str, Any]) -> None:
        self.path = path
        self.name = name
        #: as the file has it
        self.whole = data
        self._data = dict(data)
        self._known: list[str] = []

    def fail(self, key: str, why: str) -> FinopsError:
        """What is wrong with a key, to be raised."""
        where = f"{self.name}.{key}" if self.name and key else self.name or key
        return ConfigError(": ".join(filter(None, (str(self.path), where, why))))

    def take(
        self, key: str, kind: type | tuple[type, ...], expected: str, default: Any = ...
    ) -> Any:
        self._known.append(key)
        if key not in self._data:
            if default is ...:
                near = nearest(key, [name for name in self._data if name not in self._known])
                hint = f"; did you mean it by {near!r}?" if near else ""
                raise self.fail(key, f"is missing; expected {expected}{hint}")
            return default
        value = self._data.pop(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(key, f"is {value!r}; expected {expected}")
        if isinstance(value, str) and any(map(is_control, value)):
            raise self.fail(key, f"is {value!r}, which holds a character that cannot be seen")
        return value

    def has(self, key: str) -> bool:
        """Whether a key is given and not taken yet."""
        return key in self._data

    def known(self, *keys: str) -> None:
        """Keys that may be given and are not: a slip is told from them, too."""
        self._known += keys

    def text(self, key: str, expected: str = "a non-empty text", default: Any = ...) -> Any:
        value = self.take(key, str, expected, default)
        if value == "":
            raise self.fail(key, f"is empty; expected {expected}")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: Any = ...) -> str:
        value = self.text(key, " or ".join(choices), default)
        if value not in choices:
            raise self.fail(key, f"is {value!r}; expected {' or '.join(choices)}")
        return str(value)

    def texts(self, key: str, expected: str, default: Any = ()) -> Any:
        values = self.take(key, list, expected, default)
        if values is default:
            return default
        if not all(isinstance(value, str) and value for value in values):
            raise self.fail(key, f"is {values!r}; expected {expected}")
        for value in values:
            if any(map(is_control, value)):
                raise self.fail(key, f"has {value!r}, which holds a character that cannot be seen")
        return tuple(values)

    def table(self, key: str) -> "Table | None":
        found = self.take(key, dict, f"a table [{key}]", None)
        return None if found is None else type(self)(self.path, self._below(key), found)

    def tables(self, key: str) -> list["Table"]:
        found = self.take(key, list, f"tables [[{self._below(key)}]]", [])
        if not all(isinstance(item, dict) for item in found):
            raise self.fail(key, f"expected tables [[{self._below(key)}]]")
        return [
            Table(self.path, f"{self._below(key)}[{i}]", item) for i, item in enumerate(found, 1)
        ]

    def _below(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def named(self) -> list[tuple[str, "Table"]]:
        """Every key as a name of its own, with the table that stands under it."""
        found = []
        for name, value in self.rest().items():
            if not isinstance(value, dict):
                raise self.fail(name, f"is {value!r}; expected a table")
            found.append((name, Table(self.path, self._below(name), value)))
        return found

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def rest(self) -> dict[str, Any]:
        rest, self._data = self._data, {}
        return rest

    def done(self) -> None:
        """No key may be left: a misspelt one would be ignored in silence."""
        for key in self._data:
            near = nearest(key, self._known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(self._known)}"
            raise self.fail(key, f"is no key here; {hint}")
