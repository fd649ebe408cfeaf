"""Who gets what: owners, delegates, cost centres, finance, Slack; each cadence on its own."""

import email.utils
import json
from pathlib import Path

import pytest

from tests.cli.test_send import A_DAY, JUNE_30, at, collected, finops, opened
from tests.delivery.server import Handler, smtp_server
from tests.delivery.webhook import CUT, slack_server, webhook_file
from tests.support import a_config

NLP = 'email       = ["nlp-pi@example.org"]\n'
CENTRE = '[[cost_centers]]\nname = "product-ai"\nemail = ["centre@example.org"]\n'


def changed(folder: Path, *pairs: tuple[str, str], more: str = "") -> Path:
    """The configuration with texts replaced, and more of ``[mail]`` or behind it."""
    text = (folder / "finops.toml").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    a_config(folder, text + more)
    return folder


def test_a_hundred_recipients_never_see_each_other(tmp_path: Path) -> None:
    names = [f"member{i}@example.org" for i in range(99)]
    handler = Handler()
    with smtp_server(handler) as port:
        told = f"{NLP}delegates = {json.dumps(names)}\n"
        changed(collected(tmp_path, port), (NLP, told), more="per_minute = 6000\n")
        done = finops(tmp_path, "send", "--period", "2026-06", "--team", "nlp")
    assert done.exit_code == 0, done.output
    everybody = {"nlp-pi@example.org", *names}
    assert len(handler.mails) == len(handler.recipients) == 100
    assert {to for to, in handler.recipients} == everybody
    for data, (to,) in zip(handler.mails, handler.recipients, strict=True):
        mail = opened(data)
        assert mail.get_all("To") == [to]
        assert not {"cc", "bcc", "resent-to"} & {name.lower() for name in mail}
        text = mail.as_bytes()
        assert [other for other in everybody - {to} if other.encode() in text] == []
    assert len({opened(data)["Message-ID"] for data in handler.mails}) == 100


def test_who_is_owner_and_delegate_at_once_gets_one_mail(tmp_path: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        both = f'{NLP}delegates = ["d@example.org", "nlp-pi@example.org"]\n'
        changed(collected(tmp_path, port), (NLP, both))
        finops(tmp_path, "send", "--period", "2026-06", "--team", "nlp")
    assert [to for to, in handler.recipients] == ["nlp-pi@example.org", "d@example.org"]
    assert len(dry(tmp_path, "--team", "nlp")) == 2


def test_a_cost_centre_and_finance_get_theirs(tmp_path: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        more = f'digest = ["finance@example.org"]\nreply_to = "help@example.org"\n{CENTRE}'
        changed(tmp_path, (NLP, ""), more=more)
        done = finops(tmp_path, "send", "--period", "2026-06")
    assert "sent: cost_center:product-ai 2026-06 to centre@example.org" in done.output
    assert "sent: site 2026-06 to finance@example.org" in done.output
    mails = {str(mail["To"]): mail for mail in map(opened, handler.mails)}
    assert mails["centre@example.org"]["Subject"] == "product-ai: 9,031.68 USD in June 2026"
    assert mails["finance@example.org"]["Subject"] == "All teams: 22,579.20 USD in June 2026"
    assert mails["finance@example.org"]["Reply-To"] == "help@example.org"
    said = {to: mail.get_body(("plain",)).get_content() for to, mail in mails.items()}
    assert "Ready for chargeback? not yet, by 6 whole weeks" in said["finance@example.org"]
    assert "Ready for chargeback?" not in said["centre@example.org"]


def test_a_team_and_the_site_are_posted_once_by_slack_alone(tmp_path: Path) -> None:
    with slack_server() as slack:
        collected(tmp_path)
        webhook_file(tmp_path, f"{slack.url}-nlp", name="nlp.webhook")
        webhook_file(tmp_path, slack.url, name="site.webhook")
        text = (tmp_path / "finops.toml").read_text().partition("[mail]")[0]
        text = text.replace(NLP, f'{NLP}slack_webhook_file = "nlp.webhook"\n')
        a_config(tmp_path, f'{text}[slack]\nwebhook_file = "site.webhook"\n')
        first = finops(tmp_path, "send", "--period", "2026-06")
        again = finops(tmp_path, "send", "--period", "2026-06")
        told = dict(zip(slack.paths, map(json.loads, slack.bodies), strict=True))
    assert first.output.splitlines() == [
        "sent: team:nlp 2026-06 to slack", "sent: site 2026-06 to slack",
    ]  # fmt: skip
    assert "nothing is due" in again.output
    path = "/services/T0/B0/s3cret"
    assert told[f"{path}-nlp"]["text"] == "nlp: 9,031.68 USD in June 2026"
    assert told[path]["text"] == "All teams: 22,579.20 USD in June 2026"


def test_a_post_of_which_nobody_knows_is_exit_3_and_listed(tmp_path: Path) -> None:
    with slack_server(CUT) as slack:
        collected(tmp_path)
        webhook_file(tmp_path, slack.url, name="w")
        changed(tmp_path, (NLP, 'slack_webhook_file = "w"\n'))
        words = ("send", "--period", "2026-06", "--team", "nlp")
        first = finops(tmp_path, *words)
        assert first.exit_code == 3
        assert "unknown: team:nlp 2026-06 to slack" in first.output
        assert "nothing is due" in finops(tmp_path, *words).output
        checked = finops(tmp_path, "check").output
        assert "1 (team:nlp 2026-06) to slack may or may not have arrived" in " ".join(
            checked.split()
        )
        assert "s3cret" not in first.output + checked
        again = finops(tmp_path, "send", "--resend", "1")
    assert again.output == "sent: team:nlp 2026-06 to slack\n"
    assert slack.bodies[0] == slack.bodies[1]


def test_people_are_shown_in_each_channel_as_privacy_says(tmp_path: Path) -> None:
    collected(tmp_path)
    changed(tmp_path, more='runs_csv = true\n[privacy]\nmail = "pseudonyms"\npage = "names"\n')
    out = tmp_path / "mails"
    finops(tmp_path, "send", "--period", "2026-06", "--team", "nlp", "--dry-run", "--out", str(out))
    (mail,) = (opened(path.read_bytes()) for path in out.iterdir())
    report = finops(tmp_path, "report", "--period", "2026-06", "--team", "nlp", "--by", "user")
    users = [line.split()[0] for line in report.output.splitlines()[2:-1]]
    assert len(users) > 3
    whole = "".join(
        part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
    )
    assert [user for user in users if user in whole] == []
    assert "person 1" in whole
    words = ("report", "--period", "2026-06", "--team", "nlp", "--format", "html")
    assert users[0] in finops(tmp_path, *words).output


def test_each_cadence_has_its_own_periods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        changed(collected(tmp_path, port), more='every = ["month", "week"]\n')
        for day in (-14, 1, 8, 9):  # 2026-06-16, 2026-07-01, -08, -09
            at(monkeypatch, JUNE_30 + day * A_DAY + 3600)
            finops(tmp_path, "send", "--team", "cv")
    subjects = [str(opened(mail)["Subject"]).partition(" in ")[2] for mail in handler.mails]
    assert [subject.partition(" (")[0] for subject in subjects] == [
        "week 24 of 2026", "week 25 of 2026", "week 26 of 2026", "June 2026", "week 27 of 2026",
    ]  # fmt: skip


def test_a_channel_that_is_new_does_not_begin_where_another_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server(Handler()) as port, slack_server() as slack:
        collected(tmp_path, port)
        at(monkeypatch, JUNE_30 + 3600)
        assert "2026-W26" in finops(tmp_path, "send", "--team", "nlp").output
        webhook_file(tmp_path, slack.url, name="w")
        changed(tmp_path, (NLP, f'{NLP}slack_webhook_file = "w"\n'))
        assert finops(tmp_path, "send", "--team", "nlp").output == (
            "sent: team:nlp 2026-W26 to slack\n"
        )


def test_what_was_refused_for_now_waits_and_now_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler(("450 greylisted", "450 greylisted"))
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        at(monkeypatch, JUNE_30 + A_DAY)
        words = ("send", "--period", "2026-06", "--team", "cv")
        refused, waiting = finops(tmp_path, *words), finops(tmp_path, *words)
        assert refused.exit_code == 3
        assert refused.output == (
            "queued: team:cv 2026-06 to cv-pi@example.org (127.0.0.1 answered DATA with 450 "
            "greylisted; tried again from 2026-07-01 00:15 UTC on)\n"
        )
        assert waiting.exit_code == 0
        assert waiting.output.startswith("waiting: team:cv 2026-06 to cv-pi@example.org (127.0.0.1")
        assert waiting.output.endswith("from 2026-07-01 00:15 UTC on, or now by send --now)\n")
        assert finops(tmp_path, *words, "--now").exit_code == 3
        assert finops(tmp_path, *words, "--now").output.startswith("sent: team:cv")


def test_a_mail_that_is_sent_again_by_hand_is_in_the_audit(tmp_path: Path) -> None:
    from slurm_finops.ledger.store import Ledger

    handler = Handler(("550 no such user",))
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        finops(tmp_path, "send", "--period", "2026-06", "--team", "cv")
        assert finops(tmp_path, "send", "--resend", "1").exit_code == 0
    with Ledger.read(tmp_path / "ledger.db", "USD", "UTC") as ledger:
        rows = ledger.db.execute("SELECT detail FROM audit WHERE action = 'send resend'").fetchall()
    assert rows == [("1 (team:cv 2026-06 to cv-pi@example.org): failed -> sent",)]


# --- a trial


def test_a_trial_goes_to_one_address_and_leaves_everything_due(tmp_path: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        changed(collected(tmp_path, port), (NLP, f'{NLP}delegates = ["d@example.org"]\n'))
        words = ("send", "--period", "2026-06", "--team", "nlp")
        for _ in range(2):
            done = finops(tmp_path, *words, "--to", "me@example.com")
            assert done.exit_code == 0, done.output
            assert done.output == "sent: team:nlp 2026-06 to me@example.com (a trial)\n"
        assert handler.recipients == [["me@example.com"]] * 2
        assert finops(tmp_path, *words).output.count("sent: team:nlp") == 2
    trials, real = handler.mails[:2], handler.mails[2:]
    for data in trials:
        mail = opened(data)
        assert mail["Subject"] == "[trial] nlp: 9,031.68 USD in June 2026"
        assert mail["To"] == "me@example.com"
        assert b"nlp-pi@example.org" not in data
        assert b"d@example.org" not in data
    ids = {opened(data)["Message-ID"] for data in trials + real}
    assert len(ids) == 4
    assert all(email.utils.parseaddr(number)[1].endswith("@example.org") for number in ids)


def test_a_trial_is_of_ten_mails_at_most_and_stops_at_a_refusal(tmp_path: Path) -> None:
    handler = Handler(("550 no",))
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        more = "".join(
            f'[[teams.projects]]\nname = "{name}"\nemail = ["p@example.org"]\n'
            for name in ("llama-finetune", "rag-eval", "summarizer")
        )
        text = (tmp_path / "finops.toml").read_text()
        for name in ("llama-finetune", "rag-eval", "summarizer"):
            text = text.replace(f'[[teams.projects]]\nname = "{name}"\n', "")
        text = text.replace("[[teams]]\nname        = \"cv\"", f'{more}[[teams]]\nname = "cv"')
        centres = CENTRE + CENTRE.replace("product-ai", "product-vision")
        a_config(tmp_path, f'{text}digest = ["f@example.org"]\n{centres}')
        words = ("send", "--period", "2026-06", "--to", "me@example.org")
        refused = finops(tmp_path, *words)
        assert refused.exit_code == 3
        assert "failed: team:nlp 2026-06 to me@example.org" in refused.output
        assert "550 no" in refused.output
        assert len(handler.recipients) == 1
        ten = finops(tmp_path, *words)
        assert len(ten.stdout.splitlines()) == 10
        assert "1 more report is due; a trial sends 10" in ten.stderr
    assert len(handler.mails) == 10


def test_a_trial_of_nothing_says_what_there_is(tmp_path: Path) -> None:
    collected(tmp_path)
    done = finops(tmp_path, "send", "--to", "me@example.org", "--period", "2025-01")
    assert (done.exit_code, done.stdout) == (
        0, "nothing was held by who gets mails in 2025-01; "
           "the ledger has costs from 2026-06-01 to 2026-06-30\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "me"], "'me' is no address such as"),
        (["--to", "a@b.c\r\nBcc: d@e.f"], "is no address such as"),
        (["--to", "a@b.c", "--dry-run"], "--to sends a trial and --dry-run sends nothing"),
        (["--to", "a@b.c", "--resend", "1"], "--resend sends one stored mail as it is"),
        (["--to", "a@b.c", "--now"], "--now is about what was refused for now"),
        (["--now", "--dry-run"], "--now is about what was refused for now"),
        (["--now", "--resend", "1"], "--resend sends one stored mail as it is"),
    ],
)
def test_wrong_usage_is_exit_2(tmp_path: Path, words: list[str], said: str) -> None:
    collected(tmp_path)
    result = finops(tmp_path, "send", *words)
    assert result.exit_code == 2
    assert said in result.output


# --- the runs beside the mail


def dry(folder: Path, *words: str) -> list[Path]:
    out = folder / "mails"
    done = finops(
        folder, "send", "--period", "2026-06", "--dry-run", "--out", str(out), *words
    )
    assert done.exit_code == 0, done.output
    return sorted(out.iterdir())


def test_runs_are_attached_when_asked_for(tmp_path: Path) -> None:
    changed(collected(tmp_path), more="runs_csv = true\n")
    (path,) = dry(tmp_path, "--team", "cv")
    mail = opened(path.read_bytes())
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "runs-cv-2026-06.csv"
    lines = attached.get_payload(decode=True).decode().splitlines()  # type: ignore[union-attr]
    assert "alpha,480" in lines[1]
    assert "not attached" not in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_runs_that_are_too_many_are_said_with_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_finops.cli.due._MOST_ATTACHED", 20_000)
    changed(collected(tmp_path), more="runs_csv = true\n")
    (path,) = dry(tmp_path, "--team", "cv")
    mail = opened(path.read_bytes())
    assert list(mail.iter_attachments()) == []
    words = "report --period 2026-06 --team cv --by project,user,day --format csv"
    for kind in ("plain", "html"):
        said = " ".join(mail.get_body((kind,)).get_content().split())  # type: ignore[union-attr]
        assert "is larger than a mail may be and is not attached" in said
        assert f"slurm-finops {words}" in said
    assert finops(tmp_path, *words.split()).exit_code == 0


@pytest.mark.parametrize("name", ["../../etc/x", 'a"b\\c', "实验", "x" * 300, "a\u202eb", "<&>"])
def test_no_team_names_a_file_as_it_likes(tmp_path: Path, name: str) -> None:
    from slurm_finops.cli.files import plain_name

    made = plain_name("runs", name, "2026-06")
    assert made.isascii()
    assert made.startswith("runs-")
    assert len(made) <= 120
    assert not {"/", "\\", '"', "\r", "\n"} & set(made)


def test_a_dry_run_writes_posts_as_json_and_reads_no_secret(tmp_path: Path) -> None:
    collected(tmp_path)
    changed(tmp_path, (NLP, f'{NLP}slack_webhook_file = "nowhere"\n'))
    mail, post = dry(tmp_path, "--team", "nlp")
    assert (mail.suffix, post.suffix) == (".eml", ".json")
    assert json.loads(post.read_text())["text"] == "nlp: 9,031.68 USD in June 2026"
