"""slurm_job_submit and slurm_job_modify, as slurmctld calls them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slurm_finops.core.policy import Exempt
from slurm_finops.core.tags import Tags, parse_seal
from slurm_finops.core.verdict import HEADER
from slurm_finops.hook.build import MODULE, POLICY, build
from slurm_finops.hook.engine import CODES, VERSIONS, Answer, Engine
from tests.hook.comments import SITE

OK, ERROR, DENIED = CODES["SUCCESS"], CODES["ERROR"], CODES["ESLURM_ACCESS_DENIED"]
INVALID_ACCOUNT = CODES["ESLURM_INVALID_ACCOUNT"]
GOOD = '{"team":"nlp","project":"moe","experiment":"run-1"}'
OTHER = '{"team":"nlp","project":"moe","experiment":"run-2"}'
NO_TAGS = '{"team":"nlp"}'
MAIN = {"name": "main", "flag_default": 1}
PARTS = (MAIN, {"name": "debug", "flag_default": 0})
JOB = {"default_account": "nlp-a", "user_name": "ann", "comment": GOOD}


class Site:
    """A folder of slurm.conf, and the Lua that slurmctld has loaded from it."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder, self._version = folder, version
        self.put()
        self.lua = Engine(folder, version)

    def put(self, mode: str = "enforce", on_error: str = "accept") -> None:
        for name, text in build(SITE, mode, on_error).items():
            (self.folder / name).write_text(text)

    def again(self) -> None:
        """slurmctld starts anew."""
        self.lua = Engine(self.folder, self._version)

    def submit(self, **fields: Any) -> Answer:
        job = {key: value for key, value in (JOB | fields).items() if value is not None}
        return self.lua.submit(job, PARTS)

    def modify(self, change: dict[str, Any], uid: int = 1000, **fields: Any) -> Answer:
        job = {"job_id": 7, "user_id": 1000, "account": "nlp-a", "partition": "main",
               "qos": "normal", "comment": GOOD, "admin_comment": SEALED} | fields  # fmt: skip
        job = {key: value for key, value in job.items() if value is not None}
        return self.lua.modify(change, job, uid)


SEALED = f'{{"slurm_finops":{{"v":1,"policy":"0","user":"ann","tags":{GOOD}}}}}'
OWNER, ROOT = 1000, 0


@pytest.fixture(params=VERSIONS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path, request.param)


def tags_of(answer: Answer) -> Tags | None:
    claim = parse_seal(answer.job.get("admin_comment", ""))
    return claim and claim.tags


def test_what_is_right_is_sealed_in_silence(site: Site) -> None:
    answer = site.submit()
    assert (answer.code, answer.told, answer.log) == (OK, (), ())
    assert tags_of(answer) == Tags("nlp", "moe", "run-1")
    assert json.loads(answer.job["admin_comment"])["slurm_finops"]["user"] == "ann"


def test_what_is_wrong_is_refused_in_words(site: Site) -> None:
    answer = site.submit(comment=NO_TAGS)
    assert answer.code == ERROR
    assert answer.told == (
        f"{HEADER}\n"
        '  "project" is missing\n'
        '  "experiment" is missing\n'
        '  type: --comment=\'{"team":"nlp","project":"<project>","experiment":"<experiment>"}\'\n'
        "  with your own value for <project>, <experiment>",
    )
    assert answer.log == (
        "slurm-finops: refused: job of ann, account nlp-a: missing project, missing experiment",
    )
    assert "admin_comment" not in answer.job


def test_or_let_pass_with_the_same_words_and_without_a_seal(site: Site) -> None:
    site.put("warn")
    answer = site.submit(comment=NO_TAGS)
    assert (answer.code, answer.told[0].splitlines()[0]) == (OK, HEADER)
    assert "admin_comment" not in answer.job
    assert answer.log[0].startswith("slurm-finops: let pass: job of ann")


def test_off_it_says_nothing_and_seals_nothing(site: Site) -> None:
    site.put("off")
    assert site.submit(comment=NO_TAGS) == Answer(OK, (), (), JOB | {"comment": NO_TAGS})


def test_no_comment_at_all(site: Site) -> None:
    assert site.submit(comment=None).code == ERROR


def test_an_account_that_is_named_counts_before_the_default(site: Site) -> None:
    answer = site.submit(account="other")
    assert answer.code == ERROR
    assert 'account other may not charge team "nlp"' in answer.told[0]


def test_the_default_partition_is_where_a_job_goes_that_names_none(site: Site) -> None:
    assert site.submit(comment="").code == ERROR
    assert site.submit(comment="", partition="debug").code == OK
    assert site.submit(comment="", partition="debug,main").code == ERROR


def test_an_exempt_job_is_sealed_as_it_is(site: Site) -> None:
    answer = site.submit(comment="", partition="debug")
    assert tags_of(answer) == Tags()
    assert parse_seal(answer.job["admin_comment"]).faults == ()  # type: ignore[union-attr]


def test_a_format_in_a_comment_is_only_text(site: Site) -> None:
    answer = site.submit(comment='{"team":"%s%s%n","project":"%d"}', user_name="%s")
    assert answer.code == ERROR
    assert '"%s%s%n"' in answer.told[0]


def test_what_stood_in_admin_comment_is_kept(site: Site) -> None:
    for before, kept in (
        ('{"js": [1, 2]}', {"js": [1, 2]}),
        ("JS1:abc", {"other": "JS1:abc"}),
        ('["a"]', {"other": '["a"]'}),
        (SEALED[:-1] + ',"x":"y"}', {"x": "y"}),
    ):
        after = json.loads(site.submit(admin_comment=before).job["admin_comment"])
        assert {key: value for key, value in after.items() if key != "slurm_finops"} == kept
        assert after["slurm_finops"]["tags"]["project"] == "moe"


@pytest.mark.parametrize("mode", ["off", "warn"])
def test_a_seal_that_came_with_a_job_is_taken_off(site: Site, mode: str) -> None:
    site.put(mode)
    answer = site.submit(comment=NO_TAGS, admin_comment=SEALED[:-1] + ',"x":"y"}')
    assert answer.job["admin_comment"] == '{"x":"y"}'
    assert site.submit(comment=NO_TAGS, admin_comment=SEALED).job["admin_comment"] == ""


def test_an_owner_may_not_change_what_was_sealed(site: Site) -> None:
    for comment in (OTHER, GOOD, ""):
        answer = site.modify({"comment": comment}, OWNER)
        assert answer.code == DENIED
        assert answer.log == (
            "slurm-finops: refused: change of job 7: its owner may not change a Comment that "
            "was sealed",
        )
        assert answer.told == (
            "the tags of this job are sealed: ask your cluster's administrators to change them",
        )
    assert site.modify({"time_limit": 5}, OWNER).code == OK


def test_but_may_mend_a_job_that_was_let_pass(site: Site) -> None:
    fields = {"comment": NO_TAGS, "admin_comment": None}
    answer = site.modify({"comment": OTHER}, OWNER, **fields)
    assert (answer.code, answer.job) == (OK, {"comment": OTHER})  # an owner cannot seal
    assert site.modify({"comment": "{}"}, OWNER, **fields).code == DENIED


def test_an_owner_never_touches_admin_comment(site: Site) -> None:
    site.put("warn")
    answer = site.modify({"comment": OTHER}, OWNER)
    assert (answer.code, answer.job) == (OK, {"comment": OTHER})


def test_root_changes_tags_and_they_are_sealed_anew(site: Site) -> None:
    answer = site.modify({"comment": OTHER}, ROOT, admin_comment=SEALED[:-1] + ',"x":"y"}')
    assert answer.code == OK
    assert tags_of(answer) == Tags("nlp", "moe", "run-2")
    assert json.loads(answer.job["admin_comment"])["x"] == "y"
    assert json.loads(answer.job["admin_comment"])["slurm_finops"]["user"] == "ann"


def test_a_job_of_roots_own_is_roots_to_change(site: Site) -> None:
    answer = site.modify({"comment": OTHER}, ROOT, user_id=0)
    assert (answer.code, tags_of(answer)) == (OK, Tags("nlp", "moe", "run-2"))


def test_root_is_not_above_a_slip(site: Site) -> None:
    assert site.modify({"comment": NO_TAGS}, ROOT).code == DENIED
    site.put("warn")
    answer = site.modify({"comment": NO_TAGS}, ROOT)
    # the seal would say what nobody means any more
    assert (answer.code, answer.job["admin_comment"]) == (OK, "")


def test_a_job_may_not_move_where_its_tags_are_wrong(site: Site) -> None:
    for uid in (OWNER, ROOT):
        answer = site.modify({"account": "cv"}, uid)
        assert answer.code == INVALID_ACCOUNT
        assert 'account cv may not charge team "nlp"' in answer.told[0]
        assert site.modify({"account": "nlp"}, uid).code == OK
        assert site.modify({"qos": "high"}, uid).code == OK
    exempt = {"partition": "debug", "comment": "", "admin_comment": None}
    assert site.modify({"partition": "main"}, OWNER, **exempt).code == DENIED
    assert site.modify({"qos": "free"}, OWNER, comment="", admin_comment=None).code == OK
    site.put("warn")
    assert site.modify({"account": "cv"}, OWNER).code == OK


def test_what_is_cleared_is_the_default_again(site: Site) -> None:
    spare = {"comment": "", "admin_comment": None, "qos": "free"}
    assert site.modify({"qos": ""}, OWNER, **spare).code == DENIED
    size = '{"team":"größe","project":"größer","experiment":"x"}'
    paid = {"account": "other", "comment": size, "wckey": "wc-1",
            "admin_comment": SEALED.replace(GOOD, size)}  # fmt: skip
    assert site.modify({"wckey": "wc-2"}, OWNER, **paid).code == OK
    assert site.modify({"wckey": ""}, OWNER, **paid).code == DENIED
    assert site.modify({"account": "", "default_account": "nlp"}, OWNER).code == OK
    assert site.modify({"account": "", "default_account": "cv"}, OWNER).code == INVALID_ACCOUNT


def test_what_root_writes_stands_beside_the_seal(site: Site) -> None:
    answer = site.modify({"admin_comment": "hello"}, ROOT)
    assert tags_of(answer) == Tags("nlp", "moe", "run-1")
    assert json.loads(answer.job["admin_comment"])["other"] == "hello"
    assert site.modify({"admin_comment": SEALED}, ROOT).job["admin_comment"] == SEALED
    assert site.modify({"admin_comment": "hello"}, ROOT, admin_comment=None).job == {
        "admin_comment": "hello"
    }
    assert site.modify({"admin_comment": "hello"}, OWNER).job == {"admin_comment": "hello"}


def test_accounts_are_in_lower_case_to_slurm(site: Site) -> None:
    assert site.submit(account="NLP-A").code == OK
    assert site.modify({"account": "NLP"}, OWNER).code == OK


def test_a_seal_that_cannot_be_read_is_nobodys(site: Site) -> None:
    site.put("warn")
    torn = SEALED[:-3]
    assert site.submit(comment=NO_TAGS, admin_comment=torn).job["admin_comment"] == ""


def test_a_job_that_was_wrong_before_may_move(site: Site) -> None:
    fields = {"comment": NO_TAGS, "admin_comment": None}
    assert site.modify({"qos": "high"}, OWNER, **fields).code == OK


def test_a_user_whose_name_is_not_known_is_refused_by_no_list_of_users(site: Site) -> None:
    tagged = '{"team":"cv","project":"segment","experiment":"x"}'
    fields = {"account": "x1", "comment": tagged, "admin_comment": None}
    assert site.modify({"account": "x2"}, OWNER, **fields).code == OK


def test_a_new_policy_holds_from_the_next_job_on(site: Site) -> None:
    assert site.submit(comment=NO_TAGS).code == ERROR
    site.put("warn")
    assert site.submit(comment=NO_TAGS).code == OK


@pytest.mark.parametrize("damage", ["", "-- a\nreturn {\n", "x", "-- a\nreturn 7\n", "-- a\n",
                                    "-- a\nerror('x')\n", "-- a\nreturn {}\n",
                                    "-- a\nreturn {format=1}\n", "\x1bLua"])  # fmt: skip
def test_a_policy_that_is_damaged_leaves_the_last_one(site: Site, damage: str) -> None:
    assert site.submit(comment=NO_TAGS).code == ERROR
    path = site.folder / POLICY
    whole = path.read_text()
    path.write_text(damage)
    answer = site.submit(comment=NO_TAGS)
    assert answer.code == ERROR
    assert "the policy cannot be read: " in answer.log[0]
    assert "the last one still holds" in answer.log[0]
    assert len(site.submit(comment=NO_TAGS).log) == 1  # said once
    path.write_text(whole)
    assert site.submit(comment=NO_TAGS).log[0] == "slurm-finops: the policy is read again"


@pytest.mark.parametrize(
    ("there", "instead"),
    [('["format"] = 1', '["format"] = 2'), ('["digest"] = "', '["digest"] = print and "x" or no["'),
     ('["digest"] = "', '["digest"] = os.time() .. "')],
    ids=["of another release", "sees a name", "calls the system"],
)  # fmt: skip
def test_a_policy_is_data_of_this_release_and_nothing_else(
    site: Site, there: str, instead: str
) -> None:
    site.put("warn")
    path = site.folder / POLICY
    whole = path.read_text()
    site.put("enforce")
    assert site.submit(comment=NO_TAGS).code == ERROR
    assert there in whole
    text = whole.replace(there, instead, 1)
    if "no[" in instead:
        text = text.replace('",', '"],', 1)
    path.write_text(f"-- changed\n{text}")
    answer = site.submit(comment=NO_TAGS)
    assert answer.code == ERROR  # the last one still holds
    assert "the policy cannot be read: " in answer.log[0]


def test_every_place_where_a_policy_may_be_cut(site: Site) -> None:
    text = (site.folder / POLICY).read_text()
    for at in range(0, len(text) - 1, 97):
        (site.folder / POLICY).write_text(text[:at])
        site.again()
        answer = site.submit(comment=NO_TAGS)
        assert (answer.code, answer.told) == (OK, ())
        assert "the policy cannot be read: " in answer.log[0]


@pytest.mark.parametrize("gone", [POLICY, MODULE])
def test_without_a_file_the_site_says_what_becomes_of_a_job(site: Site, gone: str) -> None:
    for on_error, code in (("accept", OK), ("reject", ERROR)):
        site.put(on_error=on_error)
        (site.folder / gone).unlink()
        site.again()
        answer = site.submit()
        assert gone in answer.log[0]
        assert (answer.code, bool(answer.told)) == (code, code == ERROR)
        site.put()


def test_an_error_of_the_gate_itself(site: Site) -> None:
    for on_error, code in (("accept", OK), ("reject", ERROR)):
        site.put(on_error=on_error)
        answer = site.lua.submit({"comment": 7, "account": GOOD, "admin_comment": 5}, PARTS)
        assert answer.code == code
        assert "an error of the gate itself: " in answer.log[0]
        assert bool(answer.told) is (code == ERROR)


def test_the_courtesy_on_submit_hosts_refuses_what_the_gate_surely_would(tmp_path: Path) -> None:
    policy = replace(SITE, exempt=Exempt(), defaults=())
    for mode, code in (("enforce", ERROR), ("warn", OK), ("off", OK)):
        for name, text in build(policy, mode, "accept").items():
            (tmp_path / name).write_text(text)
        answer = Engine(tmp_path).filter({"comment": NO_TAGS})
        assert (answer.code, bool(answer.log)) == (code, code == ERROR)
    for name, text in build(policy, "enforce", "accept").items():
        (tmp_path / name).write_text(text)
    lua = Engine(tmp_path)
    assert lua.filter({"comment": GOOD}).code == OK
    assert lua.filter({}).log[:2] == (HEADER, "  the job has no --comment")


@pytest.mark.parametrize(
    ("policy", "known"),
    [({"exempt": Exempt(partitions=("debug",))}, {"partition": "main"}),
     ({"exempt": Exempt(accounts=("ops",))}, {"account": "nlp"}),
     ({"exempt": Exempt(qos=("free",))}, {"qos": "normal"}),
     ({"defaults": (("cv", (("team", "cv"),)),)}, {"account": "nlp"})],
)  # fmt: skip
def test_and_leaves_to_the_gate_what_a_client_does_not_know(
    tmp_path: Path, policy: dict[str, Any], known: dict[str, str]
) -> None:
    site = replace(SITE, **({"exempt": Exempt(), "defaults": ()} | policy))
    for name, text in build(site, "enforce", "accept").items():
        (tmp_path / name).write_text(text)
    lua = Engine(tmp_path)
    assert lua.filter({"comment": NO_TAGS}).code == OK
    assert lua.filter({"comment": NO_TAGS} | known).code == ERROR
