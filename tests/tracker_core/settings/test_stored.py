"""Settings: defaults, what was set, and what is refused."""

import pytest

from tracker_core import settings, users
from tracker_core.database import Session
from tracker_core.errors import Conflict


def test_defaults_then_what_was_set(session: Session) -> None:
    """A key has its default until it is set, in the type of the default, and again when it is cleared."""
    assert settings.read_system(session)["minPasswordLength"] == 8
    settings.set_system(session, {"minPasswordLength": "10", "keyAccountRecovery": True, "keyFlag": "x"}, "admin")
    found = settings.read_system(session)
    assert (found["minPasswordLength"], found["keyAccountRecovery"], found["keyFlag"]) == (10, True, "x")
    settings.clear_system(session, "minPasswordLength")
    assert settings.read_system(session)["minPasswordLength"] == 8


def test_secrets_are_never_given_back(session: Session) -> None:
    """A secret can be set and is not shown."""
    settings.set_system(session, {"keyEmailPassword": "hush"}, "admin")
    assert "keyEmailPassword" not in settings.read_system(session)


def test_a_user_has_the_systems_value_until_one_is_chosen(session: Session) -> None:
    """A user's settings fall back to the system's."""
    users.create(session, "amina", "enough-Secret1")
    settings.set_system(session, {"keyUiLocale": "fr"}, "admin")
    assert settings.read_user(session, "amina")["keyUiLocale"] == "fr"
    assert settings.read_user(session, "amina", fallback=False)["keyUiLocale"] is None
    settings.set_user(session, "amina", {"keyUiLocale": "sw", "keyMessageEmailNotification": "false"})
    found = settings.read_user(session, "amina")
    assert (found["keyUiLocale"], found["keyMessageEmailNotification"]) == ("sw", False)
    settings.clear_user(session, "amina", "keyUiLocale")
    assert settings.read_user(session, "amina")["keyUiLocale"] == "fr"


@pytest.mark.parametrize(
    ("key", "value"), [("noSuchKey", "1"), ("minPasswordLength", "many"), ("keyAccountRecovery", "perhaps")]
)
def test_an_unknown_key_or_a_wrong_value(session: Session, key: str, value: str) -> None:
    """Nothing is set then, not even the settings beside it."""
    with pytest.raises(Conflict):
        settings.set_system(session, {"keyFlag": "x", key: value}, "admin")
    assert settings.read_system(session)["keyFlag"] == "dhis2"
