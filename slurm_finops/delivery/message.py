"""A mail: text that stands alone, HTML, and the pictures the HTML shows."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple

from slurm_finops.errors import InputError

#: A body of 8-bit text needs a server that offers 8BITMIME (RFC 6152); this needs nothing.
_SEVEN_BIT = SMTP.clone(cte_type="7bit")


class Picture(NamedTuple):
    """A PNG that the HTML names as ``cid:{cid}``."""

    cid: str
    png: bytes


class Attachment(NamedTuple):
    """A text file beside the mail; ``name`` is plain ASCII."""

    name: str
    subtype: str
    data: bytes


class Content(NamedTuple):
    """What a mail says, whoever it goes to."""

    subject: str
    text: str
    html: str
    pictures: tuple[Picture, ...]
    attachments: tuple[Attachment, ...] = ()


def build(
    content: Content, sender: str, recipient: str, message_id: str, list_id: str, at: int,
    reply_to: str = "",
) -> EmailMessage:  # fmt: skip
    """multipart/alternative of text and multipart/related (HTML, pictures).

    With attachments it is the first part of a multipart/mixed.
    ``message_id`` and ``list_id`` come without angle brackets.  Raises
    `InputError` for a header that holds a line break.
    """
    message = EmailMessage(_SEVEN_BIT)
    headers = {
        "From": sender,
        "To": recipient,
        "Subject": content.subject,
        "Date": format_datetime(datetime.fromtimestamp(at, UTC)),
        "Message-ID": f"<{message_id}>",
        "List-Id": f"<{list_id}>",
        # RFC 3834: no vacation notice may answer it
        "Auto-Submitted": "auto-generated",
        **({"Reply-To": reply_to} if reply_to else {}),
    }
    for name, value in headers.items():
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise InputError(f"the mail's {name} holds a control character: {value!r}")
        message[name] = value
    message.set_content(content.text)
    message.add_alternative(content.html, subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    for picture in content.pictures:
        html.add_related(  # type: ignore[union-attr]
            picture.png, "image", "png", cid=f"<{picture.cid}>", filename=f"{picture.cid}.png",
            disposition="inline",
        )  # fmt: skip
    for one in content.attachments:
        # as bytes: a text would lose its own line ends
        message.add_attachment(
            one.data, "text", one.subtype, filename=one.name, params={"charset": "utf-8"}
        )
    return message
