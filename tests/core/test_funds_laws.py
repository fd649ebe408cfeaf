"""Whatever funds and amounts: every tick has a payer, and no fund pays what it may not."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.funds import SUSPENSE, WHOLE, Fund, Funding, Payers, Split

NAMES = ("a", "b", "c", "d")
TEAMS = (None, "cv", "nlp")
days = st.integers(0, 12)
projects = st.sampled_from([None, "p"])


@st.composite
def parts(draw: st.DrawFn) -> tuple[tuple[str, int], ...]:
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), max_size=3)))
    sizes = [b - a for a, b in zip([0, *cuts], [*cuts, WHOLE], strict=True)]
    return tuple((draw(st.sampled_from(NAMES)), size) for size in sizes)


@st.composite
def funds(draw: st.DrawFn) -> tuple[Fund, ...]:
    """Each may fall back to one that comes later: so there is no cycle."""
    return tuple(
        Fund(
            name, name, draw(st.none() | days), draw(st.none() | days),
            draw(st.none() | st.integers(0, 60)),
            draw(st.none() | st.sampled_from(NAMES[i + 1 :])) if i + 1 < len(NAMES) else None,
        )
        for i, name in enumerate(NAMES)
    )  # fmt: skip


splits = st.lists(st.builds(Split, days, parts()), max_size=3, unique_by=lambda s: s.first)
owners = st.tuples(st.sampled_from(["cv", "nlp"]), projects)
fundings = st.builds(
    Funding, funds(),
    st.dictionaries(owners, splits.map(lambda s: tuple(sorted(s)))).map(lambda d: tuple(d.items())),
    untagged=st.none() | st.sampled_from(NAMES),
)  # fmt: skip
asked = st.tuples(st.sampled_from(TEAMS), projects, days, st.integers(-40, 90))
sequences = st.lists(asked, max_size=12)


def named(funding: Funding, team: str | None, project: str | None, day: int) -> dict[str, int]:
    """The oracle's reading of who is named: a table of days is not looked up but walked."""
    if team is None:
        return {funding.untagged or SUSPENSE: WHOLE}
    found: dict[str, int] = {}
    for owner in ((team, None), (team, project)):
        for key, dated in funding.payers:
            for split in dated if key == owner else ():
                if split.first <= day:
                    found = {}
                    for name, size in split.parts:
                        found[name] = found.get(name, 0) + size
    return found or {SUSPENSE: WHOLE}


def by_fractions(ticks: int, shares: dict[str, int]) -> dict[str, int]:
    """Largest remainder, of magnitudes."""
    exact = {name: Fraction(abs(ticks) * size, WHOLE) for name, size in shares.items()}
    whole = {name: int(one) for name, one in exact.items()}
    order = sorted(exact, key=lambda name: (whole[name] - exact[name], name))
    for name in order[: abs(ticks) - sum(whole.values())]:
        whole[name] += 1
    return {name: size if ticks > 0 else -size for name, size in whole.items()}


def live(fund: Fund, day: int) -> bool:
    return (fund.first or 0) <= day < (99 if fund.last is None else fund.last)


def one_by_one(
    funding: Funding, spent: Counter[str], team: str | None, project: str | None, day: int,
    ticks: int,
) -> Counter[str]:  # fmt: skip
    """What each fund pays, every tick asking its way from fund to fund by itself."""
    by_name = {fund.name: fund for fund in funding.funds}
    step = 1 if ticks > 0 else -1
    walkers = [
        name
        for name, size in sorted(by_fractions(ticks, named(funding, team, project, day)).items())
        for _ in range(abs(size))
    ]
    paid: Counter[str] = Counter()
    while walkers:
        further = []
        for name in walkers:
            fund = by_name.get(name)
            full = fund is not None and fund.cap_ticks is not None and (
                step > 0 and spent[name] + paid[name] >= fund.cap_ticks
            )  # fmt: skip
            if fund is None or (live(fund, day) and not full):
                paid[name] += step
            else:
                further.append(fund.fallback or SUSPENSE)
        walkers = further
    spent.update(paid)
    return paid


@given(fundings, sequences)
def test_it_is_as_if_every_tick_went_its_own_way(funding, sequence) -> None:  # type: ignore[no-untyped-def]
    payers, spent = Payers(funding, {}), Counter[str]()
    for question in sequence:
        wanted = one_by_one(funding, spent, *question)
        found: Counter[str] = Counter()
        for part in payers.split(*question):
            found[part.fund] += part.ticks
        assert found == wanted


@given(fundings, sequences, st.integers(1, 10**20))
def test_parts_sum_and_caps_and_days_hold(funding, sequence, scale) -> None:  # type: ignore[no-untyped-def]
    payers, posted = Payers(funding, {}), Counter[str]()
    by_name = {fund.name: fund for fund in funding.funds}
    for team, project, day, few in sequence:
        found = payers.split(team, project, day, few * scale)
        assert sum(part.ticks for part in found) == few * scale
        assert len({(part.fund, part.why) for part in found}) == len(found)
        assert all(part.ticks * few > 0 for part in found)
        for part in found:
            posted[part.fund] += part.ticks
            if part.fund != SUSPENSE:
                assert live(by_name[part.fund], day)
        for name, fund in by_name.items():
            assert fund.cap_ticks is None or posted[name] <= fund.cap_ticks


@given(fundings, asked)
def test_where_nothing_is_capped_each_part_is_within_a_tick_of_exact(funding, question) -> None:  # type: ignore[no-untyped-def]
    free = tuple(fund._replace(cap_ticks=None, first=None, last=None) for fund in funding.funds)
    payers, (team, project, day, ticks) = Payers(replace(funding, funds=free), {}), question
    found = {part.fund: part.ticks for part in payers.split(*question)}
    for name, size in named(funding, team, project, day).items():
        assert abs(found.get(name, 0) - Fraction(ticks * size, WHOLE)) < 1


@given(fundings, asked)
def test_shares_are_where_uncapped_money_goes(funding, question) -> None:  # type: ignore[no-untyped-def]
    free = tuple(fund._replace(cap_ticks=None) for fund in funding.funds)
    payers, (team, project, day, _) = Payers(replace(funding, funds=free), {}), question
    whole: Counter[str] = Counter()
    for part in payers.split(team, project, day, WHOLE):
        whole[part.fund] += part.ticks
    assert {name: size for name, size in Payers(funding, {}).shares(team, project, day) if size} \
        == dict(whole)  # fmt: skip


@given(fundings, sequences, st.randoms(use_true_random=False))
def test_the_order_of_what_is_configured_does_not_matter(funding, sequence, chance) -> None:  # type: ignore[no-untyped-def]
    def shuffled(things):  # type: ignore[no-untyped-def]
        return tuple(chance.sample(things, len(things)))

    other = replace(
        funding, funds=shuffled(funding.funds),
        payers=shuffled(tuple(
            (owner, shuffled(tuple(Split(s.first, shuffled(s.parts)) for s in dated)))
            for owner, dated in funding.payers
        )),
    )  # fmt: skip
    one, two = Payers(funding, {}), Payers(other, {})
    for question in sequence:
        assert one.split(*question) == two.split(*question)
