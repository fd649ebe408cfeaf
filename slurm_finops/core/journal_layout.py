"""How a site's journal file looks: its columns, and how figures and dates are written in it.

A column's value is a text with fields in braces, such as ``{statement} {team}``.
"""

import re
from dataclasses import dataclass
from datetime import date

#: What a column may hold.  Names that people typed: a spreadsheet must not run them.
FREE = ("memo", "fund", "entity", "team", "project", "cost_center")
FIELDS = (
    "external_id", "entry_id", "statement", "period", "date", "account", "counter", "category",
    "correction", "debit", "credit", "amount", "unsigned", "side", "currency", *FREE,
)  # fmt: skip
#: Without one of these sets no column says what is booked.
AMOUNTS = (("amount",), ("debit", "credit"), ("unsigned", "side"))
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
ENCODINGS = ("utf-8", "utf-8-sig", "windows-1252", "iso-8859-1", "iso-8859-15")
DECIMALS = {"point": ".", "comma": ","}
_BRACES = re.compile(r"\{([^{}]*)\}")
_DATE = re.compile(r"YYYY|MM|DD")
_PLACE = re.compile(r"[-./ ]*", re.ASCII)


@dataclass(frozen=True)
class Column:
    """A column's header and the text with fields that its cells are made of."""

    name: str
    value: str

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(_BRACES.findall(self.value))

    @property
    def has_braces_left(self) -> bool:
        """Whether a brace is in it that holds no field."""
        return bool(set("{}") & set(_BRACES.sub("", self.value)))

    @property
    def is_free(self) -> bool:
        """Whether something that anybody typed is in it."""
        return any(name in FREE for name in self.fields)

    def cell(self, values: dict[str, str]) -> str:
        """The text with these fields filled in."""
        return _BRACES.sub(lambda found: values[found[1]], self.value)


@dataclass(frozen=True)
class Layout:
    """A file's columns, and how what is in them is written; ``sides`` name debit and credit."""

    columns: tuple[Column, ...]
    dates: str = "YYYY-MM-DD"
    decimal: str = "."
    delimiter: str = ","
    encoding: str = "utf-8"
    header: bool = True
    sides: tuple[str, str] = ("debit", "credit")

    def day(self, day: date) -> str:
        """A date as this file writes it."""
        parts = {"YYYY": f"{day.year:04}", "MM": f"{day.month:02}", "DD": f"{day.day:02}"}
        return _DATE.sub(lambda found: parts[found[0]], self.dates)


def is_date_form(text: str) -> bool:
    """Whether a text is YYYY, MM and DD, each once, with nothing but ``-./`` and spaces between."""
    rest = _DATE.sub("", text)
    return sorted(_DATE.findall(text)) == ["DD", "MM", "YYYY"] and bool(_PLACE.fullmatch(rest))


def _columns(**values: str) -> tuple[Column, ...]:
    return tuple(Column(name.replace("_", " "), value) for name, value in values.items())


_PLAIN_HEAD = {"External_ID": "{external_id}", "Entry": "{entry_id}", "Statement": "{statement}",
               "Date": "{date}", "Account": "{account}"}  # fmt: skip
_PLAIN_TAIL = {"Currency": "{currency}", "Entity": "{entity}", "Fund": "{fund}",
               "Team": "{team}", "Project": "{project}", "Cost_centre": "{cost_center}",
               "Memo": "{memo}"}  # fmt: skip

#: Starting points by name; those named after products are examples and not those products' own.
FORMATS = {
    "plain": Layout(_columns(**_PLAIN_HEAD, Debit="{debit}", Credit="{credit}", **_PLAIN_TAIL)),
    "signed": Layout(_columns(**_PLAIN_HEAD, Amount="{amount}", **_PLAIN_TAIL)),
    "netsuite": Layout(
        _columns(
            External_ID="{entry_id}", Date="{date}", Subsidiary="{entity}", Currency="{currency}",
            Account="{account}", Debit="{debit}", Credit="{credit}", Department="{cost_center}",
            Memo="{memo}", Line_ID="{external_id}",
        ),
        dates="MM/DD/YYYY",
    ),
    "sap": Layout(
        _columns(
            Company_Code="{entity}", Document_Date="{date}", Posting_Date="{date}",
            Reference="{statement}", Debit_Credit="{side}", GL_Account="{account}",
            Amount="{unsigned}", Currency="{currency}", Cost_Center="{cost_center}", Fund="{fund}",
            Item_Text="{external_id}",
        ),
        dates="DD.MM.YYYY", decimal=",", delimiter=";", sides=("S", "H"),
    ),
    "workday": Layout(
        _columns(
            Journal_Key="{entry_id}", Company="{entity}", Currency="{currency}",
            Accounting_Date="{date}", Line_Reference="{external_id}", Ledger_Account="{account}",
            Debit_Amount="{debit}", Credit_Amount="{credit}", Memo="{memo}",
            Cost_Center="{cost_center}", Fund="{fund}",
        ),
    ),
    "oracle": Layout(
        _columns(
            Ledger="{entity}", Accounting_Date="{date}", Source="slurm-finops",
            Currency_Code="{currency}", Account="{account}", Cost_Center="{cost_center}",
            Entered_Debit="{debit}", Entered_Credit="{credit}", Batch_Name="{period}",
            Journal_Name="{entry_id}", Line_Description="{memo}", Line_Reference="{external_id}",
        ),
        dates="YYYY/MM/DD",
    ),
}  # fmt: skip
