"""The data stores: JSON values by namespace and key, one store for all (shared entry by entry) and one per user."""

from tracker_core.datastore.entries import (
    Entry,
    Store,
    by_uid,
    create,
    delete,
    delete_namespace,
    find,
    keys,
    namespaces,
    open_store,
    put,
    replace_sharing,
)
from tracker_core.datastore.paths import change
from tracker_core.datastore.queries import Condition, Query, Wanted, search

__all__ = [
    "Condition",
    "Entry",
    "Query",
    "Store",
    "Wanted",
    "by_uid",
    "change",
    "create",
    "delete",
    "delete_namespace",
    "find",
    "keys",
    "namespaces",
    "open_store",
    "put",
    "replace_sharing",
    "search",
]
