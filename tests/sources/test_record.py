"""One record of sacct: states, times, durations, TRES."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import JUNE, read, record, saved

LONDON = ZoneInfo("Europe/London")

def one(**fields: object):  # type: ignore[no-untyped-def]
    runs, problems, _ = read(saved(record(**fields)))
    return runs, [problem.reason for problem in problems]


STATES = (
    "COMPLETED FAILED TIMEOUT OUT_OF_MEMORY NODE_FAIL PREEMPTED DEADLINE BOOT_FAIL REQUEUED "
    "RESIZING REVOKED CANCELLED LAUNCH_FAILED SOME_STATE_OF_TOMORROW"
).split()


@pytest.mark.parametrize("state", STATES)
def test_every_ended_state_is_a_settled_run(state: str) -> None:
    (run,), _ = one(State=state)
    assert (run.state, run.provisional, run.elapsed) == (state, False, 3600)


@pytest.mark.parametrize("state", ["RUNNING", "SUSPENDED", "COMPLETING"])
def test_a_run_that_has_not_ended_is_provisional(state: str) -> None:
    (run,), _ = one(State=state, End="Unknown")
    assert (run.provisional, run.end, run.elapsed) == (True, None, 3600)


def test_who_cancelled_a_run_is_kept() -> None:
    (run,), _ = one(State="CANCELLED by 1001")
    assert (run.state, run.cancelled_by) == ("CANCELLED", "1001")


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [("course", "7", "course"), ("", "7", "#7"), ("", "", ""), ("", "0", ""), ("", "none", "")],
)
@pytest.mark.parametrize("beside", ["COMPLETED", "PENDING"])  # read by column, and one by one
def test_a_reservation_that_sacct_does_not_name_is_known_by_its_id(
    name: str, number: str, said: str, beside: str
) -> None:
    rows = record(Reservation=name, ReservationId=number), record(JobIDRaw=7, State=beside)
    (run, *_), _, _ = read(saved(*rows))
    assert run.reservation == said


@pytest.mark.parametrize("never", ["Unknown", "None", ""])
def test_a_run_cancelled_before_it_started_held_nothing(never: str) -> None:
    (run,), _ = one(State="CANCELLED by 0", Start=never, ElapsedRaw=0, AllocTRES="")
    assert (run.start, run.elapsed) == (None, 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:00", 0), ("00:01:30", 90), ("3-04:05:06", 273906), ("59:59", 3599), ("10", 10)],
)
def test_elapsed_as_a_clock_when_there_is_no_raw_one(text: str, seconds: int) -> None:
    columns = [name.replace("ElapsedRaw", "Elapsed") for name in record()]
    text_of = saved(record(End=JUNE + 60 + seconds) | {"Elapsed": text}, columns=columns)
    (run,), _, _ = read(text_of)
    assert run.elapsed == seconds


def test_without_elapsed_the_interval_itself_counts() -> None:
    columns = [name for name in record() if name != "ElapsedRaw"]
    (run,), _, _ = read(saved(record(End=JUNE + 60 + 17), columns=columns))
    assert run.elapsed == 17


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ElapsedRaw": "-5"}, "Elapsed '-5' is negative"),
        ({"ElapsedRaw": ""}, "no elapsed time"),
        ({"End": JUNE}, "it ends before it starts"),
        ({"Submit": "Unknown"}, "no Submit time"),
        ({"State": "CANCELLED+"}, "'CANCELLED+' is not a job state"),
        ({"State": ""}, "'' is not a job state"),
        ({"JobIDRaw": "1_2_3"}, "'1_2_3' is not a job id"),
        ({"JobIDRaw": "", "JobID": ""}, "'' is not a job id"),
        ({"AllocTRES": "cpu"}, "TRES 'cpu' is not name=count"),
        ({"AllocTRES": "cpu=1,cpu=2"}, "TRES 'cpu' is given twice"),
        ({"Suspended": "soon"}, "Suspended 'soon' is not a duration"),
        ({"Start": "Unknown"}, "it has an elapsed time but no start"),
        ({"Start": "2026-13-01T00:00:00"}, "Start '2026-13-01T00:00:00' is not a time"),
        ({"Start": "9999-12-31T00:00:00"}, "Start '9999-12-31T00:00:00' is out of range"),
        ({"Start": "253402300800"}, "Start '253402300800' is too large"),
        ({"ElapsedRaw": str(1 << 70)}, f"Elapsed '{1 << 70}' is too large"),
        ({"Suspended": "99999999-00:00:00"}, "Suspended '99999999-00:00:00' is too large"),
        ({"ElapsedRaw": 3601}, "it lasted 3601 s, and its start and end are 3600 s apart"),
        ({"JobIDRaw": "9" * 5000}, f"JobIDRaw '{'9' * 40}' is too large"),
        ({"JobID": "27\x1b[2J"}, "'27\\x1b[2J' is not a job id"),
        ({"AllocTRES": "gres/x=9999999999"}, "no run holds so many devices: 'gres/x=9999999999'"),
        ({"AllocTRES": "c\x1bpu=1"}, "TRES 'c\\x1bpu=1' is not name=count"),
    ],
)
def test_a_damaged_record_is_a_problem_with_its_reason(fields: dict, reason: str) -> None:  # type: ignore[type-arg]
    runs, reasons = one(**fields)
    assert not runs
    assert reasons == [reason]


@pytest.mark.parametrize("job_id", ["16_3", "17+1"])
def test_without_raw_ids_an_array_task_keeps_its_own_name(job_id: str) -> None:
    columns = [name for name in record() if name != "JobIDRaw"]
    (run,), _, _ = read(saved(record(JobID=job_id), columns=columns))
    assert run.job_id_raw == job_id


def test_the_gpus_of_an_old_alloc_gres_are_understood() -> None:
    columns = [name if name != "AllocTRES" else "AllocGRES" for name in record()]
    (run,), _, _ = read(saved(record() | {"AllocGRES": "gpu:h100:2"}, columns=columns))
    assert run.alloc_tres == "gres/gpu:h100=2,gres/gpu=2"


def test_alloc_tres_wins_over_alloc_gres() -> None:
    columns = [*record(), "AllocGRES"]
    (run,), _, _ = read(saved(record() | {"AllocGRES": "gpu:4"}, columns=columns))
    assert run.alloc_tres == record()["AllocTRES"]


@pytest.mark.parametrize(("raw", "minutes"), [("1440", 1440), ("UNLIMITED", None), ("", None)])
def test_time_limits(raw: str, minutes: int | None) -> None:
    (run,), _ = one(TimelimitRaw=raw)
    assert run.timelimit == minutes


@pytest.mark.parametrize(("start", "end"), [("00:30", "01:30"), ("01:45", "01:15")])
def test_a_run_while_clocks_go_back_lasted_as_long_as_slurm_says(start: str, end: str) -> None:
    # in London 2026-10-25 has the hour from 01:00 twice
    fields = {"Start": f"2026-10-25T{start}:00", "End": f"2026-10-25T{end}:00",
              "Submit": "2026-10-24T12:00:00"}  # fmt: skip
    lasted = {"01:30": 7200, "01:15": 1800}[end]
    (run,), problems, _ = read(saved(record(**fields, ElapsedRaw=lasted)), zone=LONDON)
    assert (run.end - run.start, run.elapsed, problems) == (lasted, lasted, [])


def test_a_file_without_job_ids_names_runs_by_their_raw_ids() -> None:
    columns = [name for name in record() if name != "JobID"]
    runs, _, _ = read(saved(record(), record(JobIDRaw=101, Start="Unknown", ElapsedRaw=0),
                            columns=columns))  # fmt: skip
    assert [run.job_id for run in runs] == ["100", "101"]


odd = st.sampled_from(
    [
        "",
        "9999999999999",
        "9" * 5000,
        "9999-12-31T00:00:00",
        "0",
        "-1",
        "Unknown",
        "None",
        "RUNNING",
        "12",
        "1e9",
        "x",
        "2026-06-01T00:00:00",
        "\t",
        "①",
    ]
)


@given(st.dictionaries(st.sampled_from(sorted(set(record()) - {"Comment"})), odd, max_size=4))
def test_whatever_a_record_holds_it_is_a_run_a_problem_or_passed_over(fields: dict) -> None:  # type: ignore[type-arg]
    runs, problems, file = read(saved(record(), record(**fields), record()))
    others = file.steps + file.waiting
    assert len(runs) + len(problems) + others == 3


@given(
    st.lists(st.dictionaries(st.sampled_from(["State", "Start", "ElapsedRaw"]), odd), max_size=6)
)
def test_neighbours_do_not_change_how_a_record_is_read(many: list) -> None:  # type: ignore[type-arg]
    together, problems, _ = read(saved(*(record(**fields) for fields in many)))
    alone = [one(**fields) for fields in many]
    assert together == [run for runs, _ in alone for run in runs]
    assert [p.reason for p in problems] == [reason for _, reasons in alone for reason in reasons]
