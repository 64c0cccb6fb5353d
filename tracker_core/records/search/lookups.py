"""Keys of the records that references name."""

from collections.abc import Iterable, Sequence

from tracker_core.database import Session
from tracker_core.records import forms
from tracker_core.records.definitions import resource_types


def pks_of_references(session: Session, texts: Iterable[str], types: Sequence[str] = ()) -> dict[str, list[int]]:
    """Return the keys of the records that each text names: `Type/id`, or an id alone of one of `types`.

    Records that are only referred to so far have keys, too.
    """
    out: dict[str, list[int]] = {text: [] for text in texts}
    numbers = resource_types()
    wanted: dict[tuple[int, str], list[str]] = {}
    for text in out:
        form = forms.target(text)
        pairs = [form] if form else [(type_, text) for type_ in types]
        for type_, id in pairs:
            wanted.setdefault((numbers[type_], id), []).append(text)
    rows = session.execute(
        "select r.pk, r.type, r.id from unnest(%b::smallint[], %b::text[]) w (type, id)"
        " join record r on r.type = w.type and r.id = w.id",
        ([type_ for type_, _ in wanted], [id for _, id in wanted]),
        prepare=False,
    )
    for pk, number, id in rows:
        for text in wanted[number, id]:
            out[text].append(pk)
    return out
