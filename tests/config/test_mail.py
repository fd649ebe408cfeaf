"""Who is told, how and how often: what is right, and what is said of what is not."""

import sys
from pathlib import Path

import pytest

from slurm_finops.config import Config, Privacy, load
from slurm_finops.errors import ConfigError
from tests.support import CONFIG, a_config

MAIL = CONFIG + '[mail]\nfrom = "f@example.org"\nsmtp = "smtp://mail.example.org"\n'
TEAM = '[[teams]]\nname = "nlp"\ncost_center = "product-ai"\n'


def loaded(folder: Path, text: str) -> Config:
    return load(a_config(folder, text))


def test_one_cadence_or_several_in_one_order_whatever_the_file_says(tmp_path: Path) -> None:
    for said, every in (
        ("", ("week",)), ('every = "day"', ("day",)),
        ('every = ["month", "week"]', ("week", "month")), ('every = ["day"]', ("day",)),
    ):  # fmt: skip
        mail = loaded(tmp_path, MAIL + said).mail
        assert mail is not None
        assert mail.every == every


def test_a_plain_mail_section_is_careful(tmp_path: Path) -> None:
    mail = loaded(tmp_path, MAIL).mail
    assert mail is not None
    assert (mail.per_minute, mail.runs_csv, mail.digest, mail.reply_to) == (60, False, (), "")


def test_delegates_digest_and_cost_centres(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        MAIL + 'digest = ["finance@example.org"]\nreply_to = "Help <help@example.org>"\n' + TEAM
        + 'delegates = ["d@example.org"]\n[[teams.projects]]\nname = "llama"\n'
        'delegates = ["p@example.org"]\n[[cost_centers]]\nname = "product-ai"\n'
        'email = ["c@example.org"]\ndelegates = ["a@example.org"]\n',
    )  # fmt: skip
    assert config.mail is not None
    assert config.mail.digest == ("finance@example.org",)
    assert config.mail.reply_to == "Help <help@example.org>"
    (team,), (centre,) = config.teams, config.cost_centers
    assert (team.email, team.delegates) == ((), ("d@example.org",))
    assert team.projects[0].delegates == ("p@example.org",)
    assert (centre.name, centre.email, centre.delegates) == (
        "product-ai", ("c@example.org",), ("a@example.org",),
    )  # fmt: skip


def test_webhooks_lie_beside_the_file_and_are_not_opened(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, MAIL + 'every = "month"\n[slack]\nwebhook_file = "site.webhook"\n' + TEAM
        + 'slack_webhook_file = "nlp.webhook"\n',
    )  # fmt: skip
    assert config.slack.webhook_file == tmp_path / "site.webhook"
    assert config.teams[0].slack_webhook_file == tmp_path / "nlp.webhook"
    assert config.slack.every == ("month",)
    assert config.posts


def test_a_url_where_a_file_is_named_is_refused_and_not_repeated(tmp_path: Path) -> None:
    url = "https://hooks.slack.com/services/T0/B0/s3cret"
    for text in (f'[slack]\nwebhook_file = "{url}"', f'{TEAM}slack_webhook_file = "{url}"'):
        with pytest.raises(ConfigError, match="webhook_file: is a URL") as error:
            loaded(tmp_path, CONFIG + text)
        assert "s3cret" not in str(error.value)


def test_slack_has_its_own_cadence_and_needs_no_mail(tmp_path: Path) -> None:
    assert loaded(tmp_path, MAIL + '[slack]\nevery = "day"\n').slack.every == ("day",)
    without = loaded(tmp_path, CONFIG + TEAM + 'slack_webhook_file = "x"\n')
    assert (without.mail, without.slack.every, without.posts) == (None, ("week",), True)
    assert not loaded(tmp_path, MAIL).posts


def test_each_channel_shows_people_as_it_says_or_as_people_says(tmp_path: Path) -> None:
    text = '[privacy]\npeople = "pseudonyms"\nslack = "none"\npage = "names"\n'
    config = loaded(tmp_path, CONFIG + text)
    assert config.privacy == Privacy(
        people="pseudonyms", mail="pseudonyms", page="names", slack="none", serve="pseudonyms",
        export="pseudonyms",
    )  # fmt: skip
    assert config.people == "pseudonyms"
    assert loaded(tmp_path, CONFIG).privacy == Privacy()


@pytest.mark.parametrize(
    ("said", "locale"),
    [("", "en"), ('locale = "de_DE"\n', "de_DE"), ('locale = "fr-CH"\n', "fr_CH")],
)
def test_the_locale_is_one_that_babel_knows(tmp_path: Path, said: str, locale: str) -> None:
    assert loaded(tmp_path, said + CONFIG).locale == locale


def test_english_does_not_load_babel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "babel", None)  # an import of it would fail
    assert loaded(tmp_path, 'locale = "en"\n' + CONFIG).locale == "en"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MAIL + 'every = "year"', "mail.every: is 'year'; expected day, week, month or a list"),
        (MAIL + "every = []", "mail.every: is []; expected day, week, month or a list of them"),
        (MAIL + "every = [7]", "mail.every: is [7]; expected"),
        (MAIL + 'every = ["day", "day"]', "mail.every: 'day' is given twice"),
        (MAIL + "every = true", "mail.every: is True; expected"),
        (MAIL + "per_minute = 0", "mail.per_minute: is 0; expected 1 to 6000 mails"),
        (MAIL + 'per_minute = "60"', "mail.per_minute: is '60'; expected a whole number of mails"),
        (MAIL + 'runs_csv = "yes"', "mail.runs_csv: is 'yes'; expected true or false"),
        (MAIL + 'digest = ["finance"]', "mail.digest: 'finance' is no address such as"),
        (MAIL + 'digest = "f@example.org"', "mail.digest: is 'f@example.org'; expected a list"),
        (MAIL + 'reply_to = "help"', "mail.reply_to: is 'help'; expected one such as"),
        (MAIL + 'reply_to = "a@b.c, d@e.f"', "mail.reply_to: is 'a@b.c, d@e.f'; expected one"),
        (MAIL + "per_minut = 5", "mail.per_minut: is no key here; did you mean 'per_minute'?"),
        (MAIL + TEAM + 'delegates = ["a@b\\nBcc: c@d.e"]', "teams[1].delegates: has 'a@b"),
        (MAIL + TEAM + 'delegates = ["Deputy <d@example.org>"]', "teams[1].delegates: 'Deputy"),
        (MAIL + TEAM + '[[teams.projects]]\nname = "x"\ndelegates = ["x"]',
         "teams[1].projects[1].delegates: 'x' is no address"),
        (TEAM.join([CONFIG, '[[cost_centers]]\nname = "product-al"']),
         "cost_centers[1].name: no team has the cost_center 'product-al'; did you mean "
         "'product-ai'?"),
        (CONFIG + '[[cost_centers]]\nname = "x"',
         "cost_centers[1].name: no team has the cost_center 'x'; known: none"),
        (CONFIG + TEAM + '[[cost_centers]]\nname = "product-ai"\nemail = ["x"]',
         "cost_centers[1].email: 'x' is no address"),
        (CONFIG + TEAM + 2 * '[[cost_centers]]\nname = "product-ai"\n',
         "cost_centers: 'product-ai' is given twice"),
        (CONFIG + '[slack]\nwebhook = "https://hooks.slack.com/services/x"',
         "slack.webhook: is no key here; known: webhook_file, every"),
        (CONFIG + '[slack]\nwebhook_file = ""', "slack.webhook_file: is empty; expected a file"),
        (CONFIG + '[privacy]\nslack = "some"', "privacy.slack: is 'some'; expected names or"),
        (CONFIG + '[privacy]\nmails = "none"', "did you mean 'mail'?"),
        ('locale = "klingon"\n' + CONFIG, "locale: is 'klingon', which babel does not know; "
         'expected a locale such as "de_DE"'),
        ('locale = "../etc"\n' + CONFIG, "locale: is '../etc', which babel does not know"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_key_and_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    path = a_config(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)
