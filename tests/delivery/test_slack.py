"""Posting to a webhook: what each answer means, and that its URL stays a secret."""

import json
import socket
from pathlib import Path

import pytest

from slurm_finops.delivery.outbox import SLACK, Outbox
from slurm_finops.delivery.pace import Pace
from slurm_finops.delivery.refusals import Permanent, Temporary, Unknown, Unreachable
from slurm_finops.delivery.slack import TO_SLACK, Post, SlackChannel, Webhook
from slurm_finops.errors import ConfigError, OutsideError
from slurm_finops.ledger.outbox import LedgerOutbox
from tests.delivery.queueing import queue
from tests.delivery.server import certificate
from tests.delivery.webhook import BABBLE, CUT, Answer, slack_server, webhook_file
from tests.support import a_ledger

BODY = '{"text": "nlp: 9.00 USD – 日本"}'.encode()


def post(folder: Path, url: str, body: bytes = BODY) -> None:
    Webhook.read(webhook_file(folder, url), "slack.webhook_file").post(body)


def test_json_arrives_over_tls_that_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    with slack_server(tls=pem) as slack:
        with pytest.raises(Unreachable, match="SSL_CERT_FILE") as error:
            post(tmp_path, slack.url)
        assert slack.bodies == []
        assert "s3cret" not in str(error.value)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        post(tmp_path, slack.url)
    assert slack.bodies == [BODY]
    assert slack.paths == ["/services/T0/B0/s3cret"]
    assert slack.types == ["application/json; charset=utf-8"]


@pytest.mark.parametrize(
    ("answer", "kind", "after", "said"),
    [
        ((429, "rate_limited", {"Retry-After": "30"}), Temporary, 30, "429 rate_limited"),
        ((429, "", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), Temporary, 0, "429 Too Many"),
        ((429, "", {"Retry-After": "99999999999"}), Temporary, 86_400, "429"),
        ((500, "rollup_error"), Temporary, 0, "500 rollup_error"),
        ((503, ""), Temporary, 0, "503 Service Unavailable"),
        ((408, ""), Temporary, 0, "408"),
        ((404, "no_team"), Permanent, None, "404 no_team"),
        ((404, "no_service"), Permanent, None, "404 no_service"),
        ((400, "invalid_payload"), Permanent, None, "400 invalid_payload"),
        ((403, "action_prohibited"), Permanent, None, "403 action_prohibited"),
        ((410, "channel_is_archived"), Permanent, None, "410 channel_is_archived"),
        ((302, "", {"Location": "http://127.0.0.1:1/s3cret"}), Permanent, None, "302"),
        (CUT, Unknown, None, "broke the connection after the report was posted"),
    ],
)
def test_each_answer_is_of_its_kind(
    tmp_path: Path, answer: Answer, kind: type[OutsideError], after: int | None, said: str
) -> None:
    with slack_server(answer) as slack, pytest.raises(OutsideError) as error:
        post(tmp_path, slack.url)
    assert type(error.value) is kind
    assert getattr(error.value, "after", None) == after
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)
    assert len(slack.bodies) == 1, "it was posted once, and to no other address"


def test_a_server_that_babbles_may_have_taken_it(tmp_path: Path) -> None:
    with slack_server(BABBLE) as slack, pytest.raises(Unknown):
        post(tmp_path, slack.url)


def test_a_server_that_is_not_there_was_not_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=r"cannot reach 127\.0\.0\.1: Connection refused"):
        post(tmp_path, f"http://127.0.0.1:{port}/s3cret")


def test_an_answers_words_cannot_move_the_cursor(tmp_path: Path) -> None:
    words = "\x1b[2Jno\r\nservice" + "x" * 900
    with slack_server((404, words)) as slack, pytest.raises(Permanent) as error:
        post(tmp_path, slack.url)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


def test_loopback_is_reached_without_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with slack_server() as slack:
        post(tmp_path, slack.url)
    assert slack.bodies == [BODY]


@pytest.mark.parametrize(
    "url",
    ["http://hooks.slack.com/services/x", "hooks.slack.com/s3cret", "ftp://localhost/s3cret",
     "https://", "https://[bad/s3cret", "https://h:port/s3cret", "https://u:s3cret@h/x",
     "https://h/s3cret x", "https://h/s3cret\tx", "file:///etc/s3cret"],
)  # fmt: skip
def test_a_file_that_holds_no_url_of_a_webhook(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"slack\.webhook_file: .* holds no URL") as error:
        Webhook.read(webhook_file(tmp_path, url), "slack.webhook_file")
    assert "s3cret" not in str(error.value)
    assert "https://hooks.slack.com/services/T0000" in str(error.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_webhook_is_its_owners_alone(tmp_path: Path, mode: int) -> None:
    path = webhook_file(tmp_path, "https://h/x", mode)
    with pytest.raises(ConfigError, match=f"k: {path} can be read by others .*chmod 600"):
        Webhook.read(path, "k")


# --- in the outbox


def an_outbox(files: dict[str, tuple[Path, str]]) -> tuple[Outbox, LedgerOutbox]:
    store = LedgerOutbox(a_ledger())
    pace = Pace(1, 1, sleep=lambda _: None, clock=iter(range(0, 10**15, 10**10)).__next__)
    outbox = Outbox(store, {SLACK: SlackChannel(files, pace)})
    for report in files:
        made = Post(f"{report}@slack", f"{report}: 9.00 USD", {"text": "日本 <&>"})
        queue(outbox, report, "2026-06", TO_SLACK, lambda made=made: made, 1, SLACK)
    return outbox, store


def test_a_report_is_posted_once_as_it_was_made(tmp_path: Path) -> None:
    with slack_server() as slack:
        key = "slack.webhook_file"
        outbox, store = an_outbox({"site": (webhook_file(tmp_path, slack.url), key)})
        assert [o.status for o in outbox.send_due(1)] == ["sent"]
        assert outbox.send_due(2) == []
    assert [json.loads(body) for body in slack.bodies] == [{"text": "日本 <&>"}]
    (entry,) = store.listed()
    assert (entry.channel, entry.recipient, entry.subject) == ("slack", "slack", "site: 9.00 USD")


def test_a_cut_after_the_post_is_unknown_and_is_posted_again_only_by_hand(tmp_path: Path) -> None:
    with slack_server(CUT) as slack:
        outbox, _ = an_outbox({"site": (webhook_file(tmp_path, slack.url), "k")})
        assert [o.status for o in outbox.send_due(1)] == ["unknown"]
        assert outbox.send_due(10**6, early=True) == []
        assert outbox.resend(1, 3).status == "sent"
    assert slack.bodies[0] == slack.bodies[1]


def test_429_waits_for_as_long_as_slack_says(tmp_path: Path) -> None:
    with slack_server((429, "", {"Retry-After": "7200"})) as slack:
        outbox, _ = an_outbox({"site": (webhook_file(tmp_path, slack.url), "k")})
        assert outbox.send_due(100)[0].due_at == 7300
        assert [o.status for o in outbox.send_due(7299)] == ["waiting"]
        assert [o.status for o in outbox.send_due(7300)] == ["sent"]


def test_one_broken_webhook_file_keeps_back_no_other(tmp_path: Path) -> None:
    with slack_server() as slack:
        good = webhook_file(tmp_path, slack.url)
        bad = webhook_file(tmp_path, slack.url, 0o644, "bad")
        files = {"team:a": (bad, "teams[1].slack_webhook_file"), "team:b": (good, "k")}
        outbox, store = an_outbox(files)
        kept, sent = outbox.send_due(1)
        assert (kept.status, sent.status) == ("queued", "sent")
        assert "teams[1].slack_webhook_file" in kept.detail
        assert "chmod 600" in kept.detail
        bad.chmod(0o600)
        assert [o.status for o in outbox.send_due(2)] == ["sent"]
    assert all("s3cret" not in str(entry) for entry in store.listed())


def test_a_webhook_that_was_taken_out_of_the_file_is_said(tmp_path: Path) -> None:
    outbox, store = an_outbox({"team:a": (tmp_path / "none", "k")})
    del outbox
    without = Outbox(store, {SLACK: SlackChannel({})})
    (outcome,) = without.send_due(1)
    assert outcome.status == "queued"
    assert "no webhook file is configured for team:a any more" in outcome.detail
