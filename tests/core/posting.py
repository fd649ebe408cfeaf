"""Lines of closed statements, for tests of what is made of them."""

from hypothesis import strategies as st

from slurm_finops.core.journal import CATEGORIES
from slurm_finops.core.posted import Item, Payer, Posted
from slurm_finops.core.tags import Tags

#: 2026-06-10
DAY = 20_614


def posted(minor: int, category: str = "usage", **fields: object) -> Posted:
    """A line of nlp's statement for June, paid by a grant, with these fields changed."""
    one = Posted(
        1, "2026-06", "FIN-2026-000007", "", False, DAY, "alpha",
        Tags("nlp", "llama", cost_center="CC-1"),
        Item(category, "gres/gpu:h100", "on_demand", "", "", ""),
        Payer("grant", "4711-00", "uni"), 3600, 0, 0, 0, 0, minor,
    )  # fmt: skip
    return one._replace(**fields)  # type: ignore[arg-type]


#: Whatever a name may be that is no tag's: texts that a file could trip over, too.
names = st.one_of(
    st.sampled_from(["nlp", "Nlp", "=1+1", "a, date:2026/99/99 [2026-99-99]", 'x"\\ ; y', "深"]),
    st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=8),
)
tags = st.builds(
    Tags, team=st.none() | names, project=st.none() | names, cost_center=st.none() | names
)
payers = st.builds(
    Payer, fund=names, account=names, entity=st.sampled_from(["", "uni", "Uni", "spin-off"])
)


@st.composite
def months(draw: st.DrawFn, most: int = 12, digits: int = 5) -> list[Posted]:
    """Lines over few owners, payers and statements, so that they meet."""
    some_tags = draw(st.lists(tags, min_size=1, max_size=3))
    some_payers = draw(st.lists(payers, min_size=1, max_size=3))
    line = st.builds(
        posted,
        st.integers(-(10**digits), 10**digits) | st.sampled_from([0, 1, -1]),
        st.sampled_from(CATEGORIES),
        period=st.sampled_from(["2026-05", "2026-06"]),
        statement=st.sampled_from(["FIN-2026-000001", "FIN-2026-000002"]),
        correction=st.booleans(),
        tags=st.sampled_from(some_tags),
        payer=st.sampled_from(some_payers),
    )
    return draw(st.lists(line, max_size=most))
