"""Patient records and the attributes of their person; EpisodeOfCare and the fields of an enrolment."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from mappings.binding.events import note_unfit, quiet, text_of
from mappings.binding.grammar import BoundRow
from mappings.codecs.codec import merged
from mappings.places import MISSING, Doc
from mappings.scope import Scope, Unfit


def read_person(rows: Iterable[BoundRow], patients: Sequence[Doc], scope: Scope) -> dict[str, str]:
    """Return the attributes (or fields) that the records give, each from the first record that has it.

    `patients` come in the order in which they are believed.
    """
    found: dict[str, str] = {}
    for row in rows:
        if not row.row.reads:
            continue
        for patient in patients:
            text = text_of(row, patient, scope)
            if text:
                found[row.key] = text
                break
    return found


def write_person(rows: Iterable[BoundRow], wanted: Mapping[str, str | None], patient: Doc, scope: Scope) -> Doc | None:
    """Return `patient` as it reads when every named attribute is as wanted, or None when it does already.

    A place that reads as wanted is left as it is, and so is everything that no row names.
    """
    after = deepcopy(patient)
    for row in rows:
        if row.key not in wanted or not row.row.writes:
            continue
        text = wanted[row.key] or None
        if text_of(row, after, quiet(scope)) == text:
            continue
        if text is None:
            row.place.drop(after)
            continue
        old = row.place.get(after)
        try:
            value = row.codec.decode(text, scope, None if old is MISSING else old)
        except Unfit as unfit:
            note_unfit(row, unfit, text, scope)
            continue
        row.place.put(after, merged(row.codec, value, old))
    return None if after == patient else after
