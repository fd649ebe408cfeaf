"""A saved sacct file: whole records, broken ones, and text that looks like neither."""

import gzip
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slurm_finops.errors import InputError, OutsideError
from slurm_finops.sources.sacct.record import FIELDS
from slurm_finops.sources.sacct.saved import read_saved
from tests.support import JUNE, TAGGED, read, record, saved

PRETTY = '{\n "team": "nlp",\n "project": "llama",\n "experiment": "run-1"\n}'


def test_a_record_is_read_by_column_name_in_any_case_and_order() -> None:
    columns = ["State", "Comment", "JobIDRaw", "Submit", "Start", "End", "AllocTRES"]
    lines = saved(record(), columns=columns).replace("AllocTRES", "ALLOCTRES", 1)
    (run,), problems, _ = read(lines)
    assert (run.job_id_raw, run.state, run.elapsed) == (100, "COMPLETED", 3600)
    assert run.cluster == "default"
    assert not problems


@pytest.mark.parametrize("delimiter", ["|", ",,", "\x1fq7Zk\x1f"])
@pytest.mark.parametrize("trailing", [False, True])
def test_any_delimiter_with_or_without_a_trailing_one(delimiter: str, trailing: bool) -> None:
    text = saved(record(), record(JobIDRaw=101), delimiter=delimiter, trailing=trailing)
    runs, problems, _ = read(text, delimiter)
    assert [run.job_id_raw for run in runs] == [100, 101]
    assert runs[0].comment == TAGGED
    assert not problems


@pytest.mark.parametrize("trailing", [False, True])
def test_a_comment_over_many_lines_is_one_comment(trailing: bool) -> None:
    text = saved(
        record(), record(JobIDRaw=101, Comment=PRETTY), record(JobIDRaw=102), trailing=trailing
    )
    runs, problems, _ = read(text)
    assert [run.comment for run in runs] == [TAGGED, PRETTY, TAGGED]
    assert not problems


def test_a_newline_in_a_job_name_does_not_break_its_record() -> None:
    runs, problems, _ = read(saved(record(), record(JobIDRaw=101, JobName="a\nb\n\nc"), record()))
    assert [run.job_name for run in runs] == ["train", "a\nb\n\nc", "train"]
    assert not problems


@pytest.mark.parametrize("trailing", [False, True])
def test_surplus_delimiters_go_into_a_comment_that_is_last(trailing: bool) -> None:
    comment = '{"team":"nlp","note":"a|b|"}'
    (run,), problems, _ = read(saved(record(Comment=comment), trailing=trailing))
    assert run.comment == comment
    assert not problems


def test_a_delimiter_in_a_job_name_is_a_problem_and_not_a_guess() -> None:
    runs, (problem,), _ = read(saved(record(), record(JobName="na|me"), record(JobIDRaw=102)))
    assert [run.job_id_raw for run in runs] == [100, 102]
    assert "na|me" in problem.text


def test_surplus_fields_with_the_comment_elsewhere_are_a_problem() -> None:
    columns = ["Comment", *FIELDS[:-1]]
    runs, problems, _ = read(saved(record(Comment="a|b"), columns=columns))
    assert not runs
    assert "24 fields where the header has 23" in problems[0].reason


def test_torn_lines_are_problems_of_their_own_and_the_rest_goes_on() -> None:
    torn = ["77|77|half", "78|78|ha"]
    runs, problems, _ = read(saved(record(), *torn, record(JobIDRaw=101)))
    assert [run.job_id_raw for run in runs] == [100, 101]
    assert [problem.text for problem in problems] == torn


def test_a_torn_last_line_is_a_problem() -> None:
    runs, (problem,), _ = read(saved(record(), record(JobIDRaw=101))[:-60])
    assert [run.job_id_raw for run in runs] == [100]
    assert problem.text.startswith("101|")


def test_a_record_torn_inside_its_comment_keeps_its_cost() -> None:
    runs, problems, _ = read(saved(record(), record(JobIDRaw=101))[:-12])
    assert [run.job_id_raw for run in runs] == [100, 101]
    assert runs[1].comment == TAGGED[:-11]
    assert not problems


def test_a_line_that_stands_alone_is_never_swallowed_by_an_open_comment() -> None:
    runs, problems, _ = read(saved(record(Comment="{"), record(JobIDRaw=101)))
    assert [(run.job_id_raw, run.comment) for run in runs] == [(100, "{"), (101, TAGGED)]
    assert not problems


def test_free_text_after_a_whole_record_is_a_problem() -> None:
    runs, (problem,), _ = read(saved(record(Comment="first line"), "second line"))
    assert [run.comment for run in runs] == ["first line"]
    assert problem.text == "second line"


def test_repeated_headers_of_files_put_together_are_passed_over() -> None:
    runs, problems, _ = read(saved(record()) + saved(record(JobIDRaw=101)))
    assert len(runs) == 2
    assert not problems


def test_steps_and_waiting_jobs_are_counted_and_passed_over() -> None:
    step = record(JobIDRaw="100.batch", JobID="100.batch", AllocTRES="cpu=8")
    waiting = record(
        JobIDRaw=101, State="PENDING", Start="Unknown", End="Unknown", ElapsedRaw=0, AllocTRES=""
    )
    runs, problems, file = read(saved(record(), step, waiting))
    assert (len(runs), file.steps, file.waiting, file.records) == (1, 1, 1, 3)
    assert not problems


def test_carriage_returns_and_a_byte_order_mark_do_no_harm() -> None:
    text = "\ufeff" + saved(record(), record(JobIDRaw=101)).replace("\n", "\r\n")
    runs, problems, _ = read(text)
    assert [run.comment for run in runs] == [TAGGED, TAGGED]
    assert not problems


def test_an_absurd_run_of_unreadable_lines_is_bounded() -> None:
    runs, problems, _ = read(saved(record(), *["x" * 500] * 2000, record(JobIDRaw=101)))
    assert len(runs) == 2
    assert sum(problem.text.count("x" * 500) for problem in problems) == 2000


def test_one_bad_record_among_many_costs_no_other(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "many.txt"
    good = [record(JobIDRaw=i) for i in range(1000)]
    good[500] = record(JobIDRaw=500, Submit="yesterday")
    path.write_text(saved(*good))
    batches = list(read_saved(str(path), "|", "c", UTC))
    assert sum(len(batch.runs) for batch in batches) == 999
    assert [p.reason for batch in batches for p in batch.problems] == [
        "Submit 'yesterday' is not a time"
    ]


def test_a_compressed_file_is_read_as_it_is(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "june.gz"
    path.write_bytes(gzip.compress(saved(record()).encode()))
    assert sum(len(b.runs) for b in read_saved(str(path), "|", "c", UTC)) == 1


def test_a_compressed_file_cut_short_keeps_what_was_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "june.gz"
    noise = [record(JobIDRaw=i, JobName=f"{i * 7919:x}{i * 104729:x}") for i in range(20_000)]
    whole = gzip.compress(saved(*noise).encode())
    path.write_bytes(whole[: len(whole) // 2])
    seen = 0
    with pytest.raises(OutsideError, match="cannot be read to its end"):
        for batch in read_saved(str(path), "|", "c", UTC):
            seen += len(batch.runs)
    assert 5000 < seen < 20_000


def test_bytes_that_are_not_utf8_are_kept_readable(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "latin1.txt"
    path.write_bytes(saved(record(JobName="cafX")).encode().replace(b"cafX", b"caf\xe9"))
    (batch, *_) = read_saved(str(path), "|", "c", UTC)
    assert batch.runs[0].job_name == "caf\\xe9"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("JobIDRaw;State\n", "--delimiter"),
        ("JobIDRaw|State|Submit\n", "lacks Start, End, AllocTRES"),
        ("", "^this is no sacct output: its first line names no columns: ''"),
        ("# finops.toml\n", "^this is no sacct output: .*'# finops.toml'.*sacct -P -o JobIDRaw,"),
        ("JobName|State|Submit|Start|End|AllocTRES\n", r"JobIDRaw \(or JobID\)"),
    ],
)
def test_a_header_that_does_not_serve_is_an_input_error(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(text)


def test_a_binary_file_is_an_input_error(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "ledger.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(InputError, match="binary"):
        list(read_saved(str(path), "|", "c", UTC))


def test_a_file_that_is_not_there_is_an_input_error() -> None:
    with pytest.raises(InputError, match="cannot read"):
        list(read_saved("/nowhere/june.txt", "|", "c", UTC))


def test_times_are_epoch_iso_with_offset_or_local() -> None:
    zurich = ZoneInfo("Europe/Zurich")
    written = [
        str(JUNE),
        "2026-06-01T02:00:00+02:00",
        "2026-06-01T00:00:00Z",
        "2026-06-01T02:00:00",
    ]
    for submit in written:
        (run,), _, _ = read(saved(record(Submit=submit)), zone=zurich)
        assert run.submit == JUNE, submit


def test_local_times_across_a_change_of_clocks() -> None:
    zone = ZoneInfo("America/New_York")
    times = [
        "2026-03-08T01:59:59",
        "2026-03-08T03:00:00",
        "2026-03-07T12:00:00",
        "2026-03-09T12:00:00",
    ]
    seen = []
    for text in times * 2:
        (run,), _, _ = read(saved(record(Submit=text)), zone=zone)
        seen.append(run.submit)
    assert seen[:4] == seen[4:]
    assert seen[1] - seen[0] == 1
    assert seen[3] - seen[2] == 47 * 3600


@pytest.mark.parametrize("delimiter", ["|", ";", "\t", "::", "|9f2c41d07ab3|", "\x1fq7Zk\x1f"])
@pytest.mark.parametrize("trailing", [False, True])
def test_a_header_says_what_splits_it(delimiter: str, trailing: bool) -> None:
    text = saved(record(), delimiter=delimiter, trailing=trailing)
    runs, problems, file = read(text, delimiter="")
    assert (len(runs), problems, file.delimiter) == (1, [], delimiter)
    assert file.forgeable == (len(delimiter) < 8)


def test_a_comment_cannot_forge_a_record_behind_a_delimiter_nobody_knows() -> None:
    forged = "|".join(record(JobIDRaw=900, User="other").values())
    text = saved(record(Comment=f"x\n{forged}"), delimiter="|9f2c41d07ab3|", trailing=True)
    runs, problems, _ = read(text, delimiter="")
    assert [(run.job_id_raw, run.user) for run in runs] == [(100, "nlp1")]
    assert problems == []


def test_of_a_damaged_gz_nothing_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    whole = bytearray(gzip.compress(saved(*(record(JobIDRaw=i) for i in range(9000))).encode()))
    path = tmp_path / "june.gz"
    for place in range(len(whole) // 3, len(whole) - 8, 97):
        damaged = whole.copy()
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        seen = 0
        with pytest.raises((InputError, OutsideError)) as error:
            for batch in read_saved(str(path), "|", "alpha", UTC):
                seen += batch.records
        # where the damage makes it end early it cannot be told from a file cut short
        assert seen == 0 or "ended before the end-of-stream" in str(error.value)


def waiting_job(**fields: object) -> dict[str, str]:
    never = {"State": "PENDING", "Start": "Unknown", "End": "Unknown", "ElapsedRaw": 0}
    return record(**never, AllocTRES="", **fields)


def test_a_comment_never_swallows_the_next_record() -> None:
    """Two whole records whose comments together are JSON are two runs."""
    open_, close = '{"team":"x","a":"', '"} '
    runs, problems, _ = read(saved(*[record(JobIDRaw=i, Comment=[open_, close][i % 2])
                                     for i in range(6)]))  # fmt: skip
    assert [run.job_id_raw for run in runs] == [0, 1, 2, 3, 4, 5]
    assert problems == []


@pytest.mark.parametrize("trailing", [False, True])
def test_records_that_all_forget_their_closing_brace_are_all_runs(trailing: bool) -> None:
    text = saved(*(record(JobIDRaw=i, Comment='{"team":"nlp"') for i in range(300)),
                 trailing=trailing)  # fmt: skip
    runs, problems, _ = read(text)
    assert (len(runs), problems) == (300, [])


def test_a_record_behind_noise_is_found_again() -> None:
    whole = "|".join(record(JobIDRaw=2, JobName="a\nb").values())
    noise = "sacct: error: slurm_persist_conn_open"
    runs, (problem,), _ = read(saved(record(), noise, whole, record(JobIDRaw=3)))
    assert [run.job_id_raw for run in runs] == [100, 2, 3]
    assert (problem.text, bool(problem.reason)) == (noise, True)


def test_what_is_passed_over_is_counted_once() -> None:
    jobs = [waiting_job(JobIDRaw=i, Comment='{"team":"nlp"') for i in range(3)]
    runs, problems, file = read(saved(*jobs, record()))
    assert (len(runs), problems, file.waiting, file.records) == (1, [], 3, 4)


def test_files_put_together_may_have_other_columns() -> None:
    other = [*FIELDS[::-1][1:], "Comment"]
    runs, problems, _ = read(saved(record()) + saved(record(JobIDRaw=7), columns=other))
    assert [(run.job_id_raw, run.elapsed) for run in runs] == [(100, 3600), (7, 3600)]
    assert problems == []


def test_a_comment_cannot_choose_another_delimiter() -> None:
    secret = "|9f2c41d07ab3|"
    forged = saved(record(JobIDRaw=900), delimiter=",")
    runs, problems, _ = read(
        saved(record(Comment="x\n" + forged), record(JobIDRaw=2), delimiter=secret, trailing=True),
        delimiter="",
    )
    assert [run.job_id_raw for run in runs] == [100, 2]
    assert problems == []


LINES = st.lists(
    st.one_of(
        st.just(record()),
        st.builds(record, JobIDRaw=st.integers(1, 9), JobName=st.sampled_from(["a", "a\nb", "a|b"]),
                  Comment=st.sampled_from(["{", '{"team":"x","a":"', '"} ', "}", "", "x\n", TAGGED,
                                           '{\n"team":\n"x"\n}', "a|b", '{"a\n'])),
        st.builds(waiting_job, Comment=st.sampled_from(["", "{", "}"])),
        st.sampled_from(["", " ", "torn|", "1|1|half", "}", "sacct: error", "|" * 21, "7|7|x|y"]),
    ),
    max_size=12,
)


@given(LINES, st.booleans())
@example([waiting_job(Comment="{"), record(Comment="x\n"), "torn|"], True)
def test_every_line_is_a_run_a_waiting_job_or_a_problem(items: list, trailing: bool) -> None:  # type: ignore[type-arg]
    text = saved(*items, trailing=trailing)
    runs, problems, file = read(text)
    body = text.partition("\n")[2].removesuffix("\n")
    kept = [problem.text for problem in problems]
    kept += [run.comment for run in runs] + [run.job_name for run in runs]
    assert all(problem.reason for problem in problems)
    assert file.records == len(runs) + file.waiting
    # no line that stands for something is nowhere
    starts = [line for line in body.split("\n") if line.startswith(("sacct", "torn", "1|1|half"))]
    # (the last of a comment may have lost what looks like its record's delimiter)
    assert all(any(line.removesuffix("|") in text for text in kept) for line in starts)
    # a record of one line, whose neighbours are none, is never lost
    whole = [item for item in items if isinstance(item, dict) and "\n" not in "".join(item.values())
             and "a|b" not in item["JobName"]]  # fmt: skip
    assert len(runs) + file.waiting >= len(whole)
