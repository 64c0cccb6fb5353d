"""Uploaded files: checked by their content, kept on disk, and held by at most one value each."""

from tracker_core.files.content import media_type, safe_name
from tracker_core.files.resources import (
    FileResource,
    assign,
    find,
    forget_orphans,
    holders,
    keep,
    release,
)
from tracker_core.files.storage import read, remove, rename, write

__all__ = [
    "FileResource",
    "assign",
    "find",
    "forget_orphans",
    "holders",
    "keep",
    "media_type",
    "read",
    "release",
    "remove",
    "rename",
    "safe_name",
    "write",
]
