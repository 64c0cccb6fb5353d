"""Whether the caller may write an object at all, asked before anything is imported: then the answer is 403."""

from adapters.dhis2.objects.view import Document, View
from tracker_core.access.changing import Rights
from tracker_core.errors import Forbidden
from tracker_core.metadata.importing.codes import message
from tracker_core.metadata.schema import Type


def may_change(view: View, type: Type) -> bool:
    """Tell whether the caller has the authorities to change objects of `type` that sharing lets him change."""
    return not any(Rights(view.actor).denials(type, {}, {}))


def may_delete(view: View, type: Type) -> bool:
    """Tell whether the caller has the authorities to delete objects of `type` that sharing lets him change."""
    return not any(Rights(view.actor).denials(type, {}, None))


def check_create(view: View, type: Type, doc: Document) -> None:
    """Raises `Forbidden` (E3000, E3008) unless the caller may create `doc`."""
    _check(view, type, None, doc)


def check_change(view: View, type: Type, doc: Document) -> None:
    """Raises `Forbidden` (E3001) unless the caller may change the object `doc`."""
    _check(view, type, doc, doc)


def check_delete(view: View, type: Type, doc: Document) -> None:
    """Raises `Forbidden` (E3002) unless the caller may delete the object `doc`."""
    _check(view, type, doc, None)


def _check(view: View, type: Type, stored: Document | None, doc: Document | None) -> None:
    for code, arguments in Rights(view.actor).denials(type, stored, doc):
        raise Forbidden(f"{code} {message(code, *arguments)}")
