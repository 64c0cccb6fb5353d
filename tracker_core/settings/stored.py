"""Reading and writing settings. Texts in the table; what a key means is in `keys`."""

from collections.abc import Mapping

from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.settings.keys import SYSTEM, USER, Key, Value


def read_system(session: Session) -> dict[str, Value]:
    """Return every system setting that may be shown, set or by default, in the order of their keys."""
    stored: dict[str, str] = dict(session.execute("select key, value from system_setting").fetchall())
    return {name: _value(key, stored.get(name)) for name, key in sorted(SYSTEM.items()) if not key.secret}


def read_user(session: Session, username: str, *, fallback: bool = True) -> dict[str, Value]:
    """Return the settings of a user; what was not chosen is the system's, or None without `fallback`."""
    chosen: dict[str, str] = dict(
        session.execute(
            "select s.key, s.value from user_setting s join user_account a on a.pk = s.account where a.username = %s",
            (username,),
        ).fetchall()
    )
    system = read_system(session) if fallback else {}
    return {name: _value(key, chosen[name]) if name in chosen else system.get(name) for name, key in USER.items()}


def set_system(session: Session, values: Mapping[str, Value], actor: str) -> None:
    """Set system settings. Raises `Conflict` for a key that there is not, or a value that is not of its type."""
    texts = [_text(SYSTEM, name, value) for name, value in values.items()]
    session.execute(
        "insert into system_setting (key, value, updated_by) select k, v, %s from unnest(%b::text[], %b::text[])"
        " as a (k, v) on conflict (key) do update set value = excluded.value, updated = now(),"
        " updated_by = excluded.updated_by",
        (actor, list(values), texts),
    )


def set_user(session: Session, username: str, values: Mapping[str, Value]) -> None:
    """Set settings of a user. Raises `Conflict` as `set_system` does."""
    texts = [_text(USER, name, value) for name, value in values.items()]
    session.execute(
        "insert into user_setting (account, key, value) select u.pk, a.k, a.v from user_account u,"
        " unnest(%b::text[], %b::text[]) as a (k, v) where u.username = %s"
        " on conflict (account, key) do update set value = excluded.value, updated = now()",
        (list(values), texts, username),
    )


def clear_system(session: Session, key: str) -> None:
    """Give a system setting its default back."""
    session.execute("delete from system_setting where key = %s", (key,))


def clear_user(session: Session, username: str, key: str) -> None:
    """Let a user have the system's value again."""
    session.execute(
        "delete from user_setting s using user_account a where a.pk = s.account and a.username = %s and s.key = %s",
        (username, key),
    )


def system_id(session: Session) -> str:
    """Return the id that this instance keeps for as long as its database lives."""
    session.execute(
        "insert into system_setting (key, value, updated_by) values ('systemId', gen_random_uuid()::text, 'system')"
        " on conflict do nothing"
    )
    row = session.execute("select value from system_setting where key = 'systemId'").fetchone()
    return str(row[0]) if row else ""


def _value(key: Key, text: str | None) -> Value:
    return key.default if text is None else key.read(text)


def _text(keys: Mapping[str, Key], name: str, value: Value) -> str:
    key = keys.get(name)
    if key is None:
        raise Conflict(f"Key is not supported: {name}")
    text = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
    try:
        key.read(text)
    except ValueError as error:
        raise Conflict(f"Value '{text}' is not valid for the setting {name}") from error
    return text
