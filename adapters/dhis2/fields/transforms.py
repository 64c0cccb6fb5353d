"""What a transformer does to the value of a property: `~size`, `~pluck(name)`, `~keyBy(code)` …"""

from collections.abc import Callable, Iterable
from typing import Any

from adapters.dhis2.fields.language import Transformer

_PAGE, _SIZE = "1", "50"


def transformed(transformers: Iterable[Transformer], key: str, value: Any) -> tuple[str, Any]:
    """Return the key and the value that `key: value` becomes, from the first transformer to the last."""
    for transformer in transformers:
        if transformer.name == "rename":
            key = transformer.arguments[0]
        else:
            value = _TRANSFORMS[transformer.name](value, *transformer.arguments)
    return key, value


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def _pluck(value: Any, *names: str) -> Any:
    """One property of every item; of several names, an object with just those."""
    if not isinstance(value, list):
        return value
    items = [item for item in value if isinstance(item, dict)]
    if len(names) > 1:
        return [{name: item[name] for name in names if name in item} for item in items]
    name = names[0] if names else "id"
    return [item.get(name) for item in items]


def _key_by(value: Any, name: str = "id") -> Any:
    """Items by one of their properties; items without it are left out, items that share it become a list."""
    if not isinstance(value, list):
        return value
    found: dict[str, list[Any]] = {}
    for item in value:
        if isinstance(item, dict) and item.get(name) is not None:
            found.setdefault(str(item[name]), []).append(item)
    return {key: items[0] if len(items) == 1 else items for key, items in found.items()}


def _paging(value: Any, page: str = _PAGE, size: str = _SIZE) -> Any:
    if not isinstance(value, list) or not (page.isdigit() and size.isdigit()):
        return value
    start = (max(int(page), 1) - 1) * int(size)
    return value[start : start + int(size)]


def _id_objects(value: Any) -> Any:
    return [{"id": found} for found in _pluck(value)] if isinstance(value, list) else value


def _member(value: Any, uid: str) -> bool:
    return isinstance(value, list) and uid in _pluck(value)


_TRANSFORMS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "isEmpty": lambda value: not _size(value),
    "isNotEmpty": lambda value: bool(_size(value)),
    "pluck": _pluck,
    "keyBy": _key_by,
    "paging": _paging,
    "ids": _pluck,
    "id": lambda value: value.get("id") if isinstance(value, dict) else value,
    "id-objects": _id_objects,
    "member": _member,
    "not-member": lambda value, uid: not _member(value, uid),
}
