"""Rows of a price list -> steps: those that were asked for, each with its SKU and count."""

from collections.abc import Iterable

from slurm_finops.core.rates import Rate
from slurm_finops.core.rows import Files, Row, near
from slurm_finops.core.words import shown
from slurm_finops.errors import InputError
from slurm_finops.prices.formats import Format
from slurm_finops.prices.text import count, is_sku, moment, price_micros
from slurm_finops.prices.wanted import Step, Unit, Wanted

Fields = dict[str, str]


def steps(form: Format, wanted: Wanted, files: Files) -> list[Step]:
    """The prices that are asked for, in the files' order.

    Raises `InputError` naming file and line, or what was asked for and is not
    there; of rows that are not asked for nothing is looked at but their instance type.
    """
    _check_asked(form, wanted)
    rows = _of_instances(form, wanted, form.read(files))
    for option, value in wanted.picks.items():
        rows = _picked(rows, f"--{option}", form.picks[option], value)
    for column, value in wanted.columns.items():
        rows = _picked(rows, "--where", (column,), value)
    return [_step(form, wanted, row, fields) for row, fields in rows]


def _check_asked(form: Format, wanted: Wanted) -> None:
    for option in wanted.picks:
        if option not in form.picks:
            has = ", ".join(f"--{name}" for name in form.picks)
            raise InputError(f"--{option} chooses nothing in {form.name}; it has {has}")
    if form.time and wanted.start is not None:
        raise InputError(f"--from is for lists without dates; {form.name} has its own")
    if not form.time and wanted.start is None:
        raise InputError(f"{form.name} has no dates: say with --from since when its prices hold")
    if not form.kind:
        _check_named(form, wanted)


def _check_named(form: Format, wanted: Wanted) -> None:
    """A list that does not say what an instance's devices are called must be told."""
    example = "p5.48xlarge=gres/gpu:h100" + ("" if form.count else "*8")
    if not wanted.instances:
        raise InputError(f"{form.name}: name the instance types, such as --instance {example}")
    for name, unit in wanted.instances.items():
        if unit.sku is None or not (unit.per or form.count):
            raise InputError(
                f"{form.name} does not say what {name} has; write --instance "
                f"{name}={example.partition('=')[2]}"
            )


def _of_instances(
    form: Format, wanted: Wanted, rows: Iterable[Row]
) -> list[tuple[Row, Fields]]:
    """The rows of the instance types asked for that are rates."""
    found, seen = [], set()
    for row in rows:
        seen.add(row.item)
        if wanted.instances and row.item not in wanted.instances:
            continue
        fields = row.fields
        if not wanted.instances and not (row.item and fields[form.kind].strip()):
            continue
        if all(fields[column] in values for column, values in form.only.items()):
            found.append((row, fields))
    priced = {row.item for row, _ in found}
    for name in wanted.instances:
        if name not in priced:
            raise InputError(_absent(form, name, seen))
    if not found:
        raise InputError("no price of an instance with devices was found")
    return found


def _absent(form: Format, name: str, seen: set[str]) -> str:
    if name not in seen:
        return f"--instance {name}: no file has it; {near(name, seen)}"
    only = " and ".join(f"{column} {values[0]}" for column, values in form.only.items())
    return f"--instance {name}: it is there, but not with {only}"


def _picked(
    rows: list[tuple[Row, Fields]], option: str, columns: tuple[str, ...], value: str
) -> list[tuple[Row, Fields]]:
    """The rows that have the value; each instance type must keep one."""
    kept = [(row, fields) for row, fields in rows
            if any(fields.get(column) == value for column in columns)]  # fmt: skip
    left = {row.item for row, _ in kept}
    for row, fields in rows:
        if row.item not in left:
            known = [column for column in columns if column in fields]
            if not known:
                raise InputError(
                    f"{row.file} has no column {columns[0]!r}; {near(columns[0], fields)}"
                )
            has = {other.get(column, "") for one, other in rows if one.item == row.item
                   for column in known}  # fmt: skip
            raise InputError(
                f"{option}: no price of {shown(row.item)} has {columns[0]} {value!r}; "
                f"{near(value, has)}"
            )
    return kept


def _step(form: Format, wanted: Wanted, row: Row, fields: Fields) -> Step:
    unit = wanted.instances.get(row.item, Unit())
    currency = fields[form.currency] if form.currency else "USD"
    if currency != wanted.currency:
        raise InputError(
            f"{row.where}: the price is in {shown(currency)}, and the ledger in {wanted.currency}"
        )
    try:
        price = price_micros(fields[form.price])
        start = moment(fields[form.time], form.zone) if form.time else wanted.start
    except ValueError as error:
        raise InputError(f"{row.where}: {error}") from None
    assert start is not None
    sku = unit.sku or _sku(form, row, fields)
    per = unit.per or _per(form, row, fields)
    rate = Rate(
        sku, price, start, per, form.pricing, wanted.match, wanted.rank, row.where,
        approval=wanted.approval,
    )  # fmt: skip
    return Step(rate, _origin(form, row, fields), row.file)


def _sku(form: Format, row: Row, fields: Fields) -> str:
    kind = fields[form.kind].strip()
    sku = f"gres/gpu:{kind.lower()}"
    if not kind or not is_sku(sku):
        raise InputError(
            f"{row.where}: {shown(row.item)} has {shown(kind)} as its {form.kind}, which is no "
            "GPU's name here; write --instance NAME=gres/gpu:TYPE"
        )
    return sku


def _per(form: Format, row: Row, fields: Fields) -> int:
    per = count(fields[form.count])
    if per is None:
        raise InputError(
            f"{row.where}: {shown(row.item)} has {shown(fields[form.count])} as its {form.count}, "
            "which is no whole number of devices; write --instance NAME=SKU*COUNT"
        )
    return per


def _origin(form: Format, row: Row, fields: Fields) -> tuple[tuple[str, str], ...]:
    """What tells this row's series from others in the list, with the option that chooses it."""
    traits = [("--instance", row.item)]
    for option, columns in form.picks.items():
        value = next((fields[column] for column in columns if column in fields), None)
        if value is not None:
            traits.append((f"--{option}", value))
    return tuple(traits)
