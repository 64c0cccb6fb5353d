"""Who may create, change and delete objects of a type: the authorities of the type, then the object's sharing."""

from adapters.dhis2.objects.view import Document, View
from tracker_core.access import metadata_writable
from tracker_core.errors import Forbidden
from tracker_core.metadata.schema import Type


def may_create(view: View, type: Type) -> bool:
    """Tell whether the caller has an authority to create objects of `type`, public or private ones."""
    return _has(view, (*type.authorities.public, *type.authorities.private))


def may_change(view: View, type: Type) -> bool:
    """Tell whether the caller has an authority to change objects of `type`: one to update, else one to create."""
    return _has(view, type.authorities.update) if type.authorities.update else may_create(view, type)


def may_delete(view: View, type: Type) -> bool:
    """Tell whether the caller has an authority to delete objects of `type`, else one to create."""
    return _has(view, type.authorities.delete) if type.authorities.delete else may_create(view, type)


def _has(view: View, needed: tuple[str, ...]) -> bool:
    return not needed or view.actor.may(*needed)


def check_create(view: View, type: Type) -> None:
    """Raises `Forbidden` (E3000) unless the caller may create objects of `type`."""
    if not may_create(view, type):
        raise Forbidden(f"E3000 User `{view.actor.username}` is not allowed to create objects of type {type.name}")


def check_change(view: View, type: Type, doc: Document) -> None:
    """Raises `Forbidden` (E3001) unless the caller may change the object `doc`."""
    if not (may_change(view, type) and _shared(view, type, doc)):
        raise Forbidden(f"E3001 User `{view.actor.username}` is not allowed to update object `{_called(doc)}`")


def check_delete(view: View, type: Type, doc: Document) -> None:
    """Raises `Forbidden` (E3002) unless the caller may delete the object `doc`."""
    if not (may_delete(view, type) and _shared(view, type, doc)):
        raise Forbidden(f"E3002 User `{view.actor.username}` is not allowed to delete object `{_called(doc)}`")


def _shared(view: View, type: Type, doc: Document) -> bool:
    return not type.shareable or metadata_writable(view.actor, doc)


def _called(doc: Document) -> str:
    return str(doc.get("name") or doc.get("id"))
