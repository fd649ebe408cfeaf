"""Our own format: a CSV file whose columns are the keys of ``[[rates]]``."""

from collections.abc import Mapping
from datetime import tzinfo

from slurm_finops.core.approval import Approval, approval_of
from slurm_finops.core.rates import MATCH_KEYS, ON_DEMAND, PRICINGS, Match, Rate
from slurm_finops.core.rows import Files, Row, csv_rows, only_columns
from slurm_finops.core.words import shown
from slurm_finops.errors import InputError
from slurm_finops.prices.text import count, is_sku, moment, price_micros
from slurm_finops.prices.wanted import Step, Wanted

_APPROVAL = ("approved_by", "document", "review")
COLUMNS = ("sku", "price", "from", "per", "pricing", "subsidy", "currency", *_APPROVAL, *MATCH_KEYS)


def steps(wanted: Wanted, files: Files, zone: tzinfo) -> list[Step]:
    """Every row as a step, in the files' order; ``zone`` is that of times without an offset.

    Raises `InputError` naming file and line.
    """
    if wanted.instances or wanted.picks or wanted.columns:
        raise InputError("csv has no instances to choose among: every row is a rate")
    found = [_step(wanted, row, zone) for row in csv_rows(files, "sku", ("sku", "price"))]
    if not found:
        raise InputError("no price was found: there is no row under the header")
    return found


def _step(wanted: Wanted, row: Row, zone: tzinfo) -> Step:
    only_columns(row, COLUMNS)
    fields = {column: cell.strip() for column, cell in row.fields.items()}
    try:
        return Step(_rate(wanted, fields, zone)._replace(where=row.where), (), row.file)
    except ValueError as error:
        raise InputError(f"{row.where}: {error}") from None


def _rate(wanted: Wanted, fields: Mapping[str, str], zone: tzinfo) -> Rate:
    sku, currency = fields["sku"], fields.get("currency") or wanted.currency
    if not is_sku(sku):
        raise ValueError(f'the SKU {shown(sku)} is no TRES such as "gres/gpu:h100"')
    if currency != wanted.currency:
        raise ValueError(
            f"the price is in {shown(currency)}, and the ledger in {wanted.currency}"
        )
    per = count(fields.get("per") or "1")
    if per is None:
        raise ValueError(f"per is {shown(fields['per'])}; expected a whole number of units")
    pricing = fields.get("pricing") or ON_DEMAND
    if pricing not in PRICINGS:
        raise ValueError(f"pricing is {shown(pricing)}; expected {' or '.join(PRICINGS)}")
    match = _match(wanted, fields)
    price, start = price_micros(fields["price"]), _start(wanted, fields, zone)
    subsidy = price_micros(fields["subsidy"]) if fields.get("subsidy") else 0
    if subsidy > price:
        raise ValueError("the subsidy is more than the price, of which it is a part")
    approval = _approval(wanted, fields)
    return Rate(
        sku, price, start, per, pricing, match, wanted.rank, subsidy=subsidy, approval=approval
    )


def _start(wanted: Wanted, fields: Mapping[str, str], zone: tzinfo) -> int:
    written = fields.get("from")
    if written and wanted.start is not None:
        raise ValueError("it has a date of its own; take --from away")
    if written:
        return moment(written, zone)
    if wanted.start is None:
        raise ValueError("from is empty; give it a date, or say with --from since when all hold")
    return wanted.start


def _approval(wanted: Wanted, fields: Mapping[str, str]) -> Approval | None:
    written = approval_of(*(fields.get(key, "") for key in _APPROVAL))
    if written and wanted.approval:
        raise ValueError("it has an approval of its own; take --approved-by away")
    return written or wanted.approval


def _match(wanted: Wanted, fields: Mapping[str, str]) -> Match:
    match = {key: fields[key] for key in MATCH_KEYS if fields.get(key)}
    for key, value in wanted.match:
        if match.setdefault(key, value) != value:
            raise ValueError(f"{key} is {shown(match[key])}, and --match says {value!r}")
    return tuple(sorted(match.items()))
