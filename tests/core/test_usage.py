"""What a run held, from Slurm's own text."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.usage import billable, is_gpu, parse_gres, parse_tres


def held(text: str, *priced: str) -> dict[str, int]:
    lines = billable(parse_tres(text), priced)
    assert len(dict(lines)) == len(lines)
    return dict(lines)


def test_a_record_of_slurm_22_05_is_read():
    assert parse_tres("billing=1,cpu=1,gres/gpu:h100=2,gres/gpu=2,node=1") == {
        "billing": 1, "cpu": 1, "gres/gpu:h100": 2, "gres/gpu": 2, "node": 1,
    }  # fmt: skip


def test_a_run_that_held_nothing_is_empty():
    assert parse_tres("") == {}
    assert held("") == {}


@pytest.mark.parametrize(
    ("size", "mebibytes"),
    [
        ("500G", 512_000), ("31000M", 31_000), ("62.50G", 64_000), ("320.5G", 328_192),
        ("1T", 1_048_576), ("2P", 2 << 30), ("1.5M", 2), ("1024K", 1), ("512K", 1), ("511K", 0),
        ("0", 0), ("0M", 0), ("4000", 4000), ("0.5G", 512), ("18446744073709551615", 2**64 - 1),
    ],
)  # fmt: skip
def test_memory_is_counted_in_mebibytes(size, mebibytes):
    assert parse_tres(f"mem={size}") == {"mem": mebibytes}


@given(st.integers(0, 10**6), st.integers(0, 999), st.sampled_from("KMGTPE"))
def test_a_size_with_a_fraction_is_rounded_once(whole, thousandths, suffix):
    exact = Fraction(whole * 1000 + thousandths, 1000) * 1024 ** (" KMGTPE".index(suffix) - 2)
    (found,) = parse_tres(f"mem={whole}.{thousandths:03d}{suffix}").values()
    assert found - Fraction(1, 2) <= exact < found + Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "tres"),
    [
        ("cpu=1K", {"cpu": 1024}),
        ("fs/disk=1.5K", {"fs/disk": 1536}),
        ("license/matlab=3", {"license/matlab": 3}),
        ("gres/gpu:a100_3g.20gb=1", {"gres/gpu:a100_3g.20gb": 1}),
        ("gres/gpu:1g.5gb=7", {"gres/gpu:1g.5gb": 7}),
        ("bb/cray=1G", {"bb/cray": 1 << 30}),
        ("energy=0", {"energy": 0}),
    ],
)
def test_other_tres_are_counts(text, tres):
    assert parse_tres(text) == tres


@pytest.mark.parametrize(
    "text",
    ["cpu", "cpu=", "=1", "=", ",", "cpu=1,", ",cpu=1", "cpu=1,,mem=2", "cpu=-1", "cpu=+1", "cpu=a",
     "cpu=1.5", "cpu=1e3", "cpu=1 ", "cpu= 1", "cpu=1\n", "mem=1g", "mem=1Gn", "mem=.5G", "mem=5.G",
     "mem=1GB", "cpu=٣", "cpu=²", "cpu=1,cpu=1", "gres/gpu=1,gres/gpu=2", "Unknown", "cpu=1;mem=2",
     "cpu=8gres/gpu=2"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(text):
    with pytest.raises(ValueError, match="TRES"):
        parse_tres(text)


# ---- what is billed


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("gres/gpu=2", {"gres/gpu": 2}),
        ("gres/gpu:h100=2", {"gres/gpu:h100": 2}),
        ("gres/gpu:h100=2,gres/gpu=2", {"gres/gpu:h100": 2}),
        ("gres/gpu=3,gres/gpu:h100=2", {"gres/gpu:h100": 2, "gres/gpu": 1}),
        ("gres/gpu=5,gres/gpu:h100=2,gres/gpu:a100=2",
         {"gres/gpu:h100": 2, "gres/gpu:a100": 2, "gres/gpu": 1}),
        ("gres/gpu=1,gres/gpu:h100=2", {"gres/gpu:h100": 2}),
        ("gres/gpu:1g.5gb=3,gres/gpu:h100=1,gres/gpu=4",
         {"gres/gpu:1g.5gb": 3, "gres/gpu:h100": 1}),
        ("gres/shard=4", {"gres/shard": 4}),
        ("gres/shard=4,gres/gpu=0", {"gres/shard": 4}),
        ("gres/fpga:u250=1", {"gres/fpga:u250": 1}),
        ("billing=8,cpu=8,mem=64G,node=1,energy=9,license/x=1", {}),
    ],
)  # fmt: skip
def test_every_device_is_billed_once(text, lines):
    assert held(text) == lines


def test_cpus_memory_and_licences_are_billed_where_a_rate_names_them():
    text = "billing=8,cpu=8,license/matlab=2,mem=64G,node=1"
    assert held(text, "cpu") == {"cpu": 8}
    assert held(text, "mem", "license/matlab") == {"mem": 65_536, "license/matlab": 2}


@pytest.mark.parametrize("counter", ["gres/gpumem", "gres/gpuutil", "gres/gpumem:h100"])
def test_counters_are_never_billed_even_where_a_rate_names_them(counter):
    assert held(f"gres/gpu=1,{counter}=40960") == {"gres/gpu": 1}
    assert held(f"gres/gpu=1,{counter}=40960", counter) == {"gres/gpu": 1}
    assert not is_gpu(counter)


@given(
    st.dictionaries(st.sampled_from(["h100", "a100", "1g.5gb", "v100"]), st.integers(0, 99)),
    st.integers(0, 400), st.randoms(use_true_random=False),
)  # fmt: skip
def test_typed_and_untyped_count_the_same_gpus(typed, untyped, chance):
    items = [f"gres/gpu:{name}={count}" for name, count in typed.items()]
    items += [f"gres/gpu={untyped}", "gres/gpumem=7", "gres/shard=5", "cpu=3"]
    chance.shuffle(items)
    lines = billable(parse_tres(",".join(items)), ())
    assert sum(n for sku, n in lines if is_gpu(sku)) == max(untyped, sum(typed.values()))
    assert all(quantity > 0 for _, quantity in lines)
    assert [sku for sku, _ in lines] == sorted(sku for sku, _ in lines)


@pytest.mark.parametrize(
    ("sku", "answer"),
    [("gres/gpu", True), ("gres/gpu:h100", True), ("gres/gpu:1g.5gb", True), ("gres/shard", False),
     ("gres/gpumem", False), ("gres/gpuutil", False), ("gres/gpux:a", False), ("gpu", False)],
)  # fmt: skip
def test_a_gpu_is_a_gpu(sku, answer):
    assert is_gpu(sku) is answer


# ---- AllocGRES of releases before 21.08


@pytest.mark.parametrize(
    ("text", "tres"),
    [
        ("gpu:2", {"gres/gpu": 2}),
        ("gpu", {"gres/gpu": 1}),
        ("gres/gpu:2", {"gres/gpu": 2}),
        ("gpu:h100:2", {"gres/gpu:h100": 2, "gres/gpu": 2}),
        ("gpu:h100", {"gres/gpu:h100": 1, "gres/gpu": 1}),
        ("gpu:1080:2", {"gres/gpu:1080": 2, "gres/gpu": 2}),
        ("gpu:1g.5gb:2", {"gres/gpu:1g.5gb": 2, "gres/gpu": 2}),
        ("gpu:2(S:0-1)", {"gres/gpu": 2}),
        ("gpu:h100:2(IDX:0-1,3)", {"gres/gpu:h100": 2, "gres/gpu": 2}),
        ("gpu:h100:2,gpu:1", {"gres/gpu:h100": 2, "gres/gpu": 3}),
        ("gpu:h100:1,gpu:h100:2", {"gres/gpu:h100": 3, "gres/gpu": 3}),
        ("gpu:h100:1,gpu:a100:2", {"gres/gpu:h100": 1, "gres/gpu:a100": 2, "gres/gpu": 3}),
        ("shard:4,gpu:1", {"gres/shard": 4, "gres/gpu": 1}),
        ("bandwidth:lustre:4K", {"gres/bandwidth:lustre": 4096}),
        ("gpu:0", {"gres/gpu": 0}),
        ("", {}), ("(null)", {}), ("N/A", {}), ("0", {}),
    ],
)  # fmt: skip
def test_what_old_sacct_printed_is_read(text, tres):
    assert parse_gres(text) == tres


@pytest.mark.parametrize(
    "text", ["gpu=2", "gres/gpu=2", ":2", "gpu:", "gpu::2", "gpu:a:b:2", "gpu:h100:٢", "gpu:a b:1",
             "gpu:1.5", "gpu:2|x"],
)  # fmt: skip
def test_gres_that_cannot_be_read_is_refused_by_name(text):
    with pytest.raises(ValueError, match=r"GRES|TRES"):
        parse_gres(text)


@given(st.lists(st.tuples(st.sampled_from(["h100", "a100", ""]), st.integers(1, 9)), max_size=5))
def test_old_and_new_texts_of_the_same_gpus_bill_the_same(devices):
    old = ",".join(":".join(filter(None, ("gpu", kind, str(n)))) for kind, n in devices)
    held = sum(n for sku, n in billable(parse_gres(old), ()) if is_gpu(sku))
    assert held == sum(n for _, n in devices)
