"""Teams and jobs may be called anything that TOML and a comment can hold: what of it goes out."""

import json
from pathlib import Path

import pytest

from tests.cli.test_send import finops, opened
from tests.support import CONFIG, a_config, record, saved

NAMES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "=1+1",
         "<!channel> @here `x` ```", "a, b <c@example.org>", "x" * 480, "日本語 🚀",
         "../../etc/passwd"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_team_is_text_in_every_header_file_and_post(tmp_path: Path, name: str) -> None:
    a_config(tmp_path, f"""{CONFIG}
[tags]
max_length = 1024
[[teams]]
name = {json.dumps(name, ensure_ascii=False)}
email = ["pi@example.org"]
slack_webhook_file = "w"
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:1"
runs_csv = true
""")
    comment = json.dumps({"team": name, "experiment": name}, ensure_ascii=False)
    path = tmp_path / "runs.txt"
    ran = record(Comment=comment, JobName=name * 22, User=name[:50])
    path.write_text(saved(ran, delimiter="¦"))
    words = ("collect", "sacct", "--file", str(path), "--delimiter", "¦")
    assert finops(tmp_path, *words).exit_code == 0
    assert finops(tmp_path, "price").exit_code == 0
    out = tmp_path / "mails"
    done = finops(tmp_path, "send", "--period", "2026-06", "--dry-run", "--out", str(out))
    assert done.exit_code == 0, done.output
    mail_file, post_file = sorted(out.iterdir())
    assert (mail_file.suffix, post_file.suffix) == (".eml", ".json")
    mail = opened(mail_file.read_bytes())
    assert mail["To"] == "pi@example.org"
    assert mail["List-Id"] == "<slurm-finops.example.org>"
    assert str(mail["Subject"]).startswith(name[:20])
    assert str(mail["Subject"]).endswith(": 7.84 USD in June 2026")
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<script" not in html
    assert "<img src=x" not in html
    (attached,) = mail.iter_attachments()
    assert attached.get_filename().isascii()
    assert not {"/", '"', "<"} & set(attached.get_filename())
    post = post_file.read_text()
    assert not {"<", ">"} & set(post)
    assert "@here" not in post
    for data in (mail.as_bytes(), post_file.read_bytes()):
        assert len(data) < 400_000
