"""What a mail is made of, and that no name can add to it."""

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.delivery.message import Attachment, Content, Picture, build
from slurm_finops.delivery.smtp import as_sent
from slurm_finops.errors import InputError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CONTENT = Content("nlp: −9.00 € 日本", "line\n.dot\nFrom here\n" + "€" * 2000 + "\n",
                  "<p>€</p>" * 500, (Picture("chart0", PNG), Picture("chart1", PNG)))  # fmt: skip


def a_mail(content: Content = CONTENT, recipient: str = "pi@example.org") -> bytes:
    return as_sent(build(
        content, "Finance <finops@example.org>", recipient, "1@example.org",
        "slurm-finops.example.org", 1_780_272_000,
    ))  # fmt: skip


def test_any_server_can_carry_it() -> None:
    """Seven bits, lines of at most 998, ended by CRLF (RFC 5321, 5322): no 8BITMIME needed."""
    data = a_mail()
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.count(b"\n") == data.count(b"\r\n")


def test_it_reads_back_whole() -> None:
    got = email.message_from_bytes(a_mail(), policy=email.policy.default)
    assert got["Subject"] == CONTENT.subject
    assert got["Date"].datetime.isoformat() == "2026-06-01T00:00:00+00:00"
    assert got["List-Id"] == "<slurm-finops.example.org>"
    assert got.get_content_type() == "multipart/alternative"
    plain, related = got.iter_parts()  # type: ignore[attr-defined]
    assert plain.get_content().replace("\r\n", "\n") == CONTENT.text
    html, *pictures = related.iter_parts()
    assert html.get_content().strip() == CONTENT.html
    assert [p["Content-ID"] for p in pictures] == ["<chart0>", "<chart1>"]
    assert [p.get_content() for p in pictures] == [PNG, PNG]


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=140))
def test_any_subject_is_one_header(subject: str) -> None:
    got = email.message_from_bytes(
        a_mail(CONTENT._replace(subject=f"x{subject}x")), policy=email.policy.default
    )
    assert set(got.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "List-Id", "Auto-Submitted",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert "".join(str(got["Subject"]).split()) == "".join(f"x{subject}x".split())


@pytest.mark.parametrize("char", ["\r", "\n", "\0", "\x1b", "\x7f"])
def test_a_control_character_in_a_header_is_refused(char: str) -> None:
    with pytest.raises(InputError, match="Subject"):
        a_mail(CONTENT._replace(subject=f"a{char}Bcc: everyone@example.org"))
    with pytest.raises(InputError, match="To"):
        a_mail(recipient=f"pi@example.org{char}")


def test_an_attachment_is_beside_what_the_mail_says_byte_by_byte() -> None:
    csv = "\ufeffjob,user\r\n1,日本\r\n".encode()
    got = email.message_from_bytes(
        a_mail(CONTENT._replace(attachments=(Attachment("runs-nlp.csv", "csv", csv),))),
        policy=email.policy.default,
    )
    assert got.get_content_type() == "multipart/mixed"
    said, attached = got.iter_parts()  # type: ignore[attr-defined]
    assert said.get_content_type() == "multipart/alternative"
    assert (attached.get_content_type(), attached.get_filename()) == ("text/csv", "runs-nlp.csv")
    assert attached.get_content_disposition() == "attachment"
    assert attached.get_param("charset") == "utf-8"
    assert attached.get_payload(decode=True) == csv


def test_answers_go_where_they_should() -> None:
    message = build(
        CONTENT, "f@example.org", "pi@example.org", "1@example.org", "l.example.org", 0,
        "Help <help@example.org>",
    )  # fmt: skip
    assert message["Reply-To"] == "Help <help@example.org>"
    with pytest.raises(InputError, match="Reply-To"):
        build(CONTENT, "f@x.y", "pi@x.y", "1@x.y", "l.x.y", 0, "a@b.c\r\nBcc: d@e.f")
