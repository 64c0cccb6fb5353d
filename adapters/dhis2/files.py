"""Files: uploads, what is known of them, and their contents (Web API 2.42, "Files")."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.lists import uid
from adapters.dhis2.parameters import choice
from adapters.dhis2.uploads import read_file
from adapters.dhis2.webmessage import web_message
from tracker_core import files
from tracker_core.database import Session
from tracker_core.errors import Conflict, Forbidden, NotFound, Unsupported
from tracker_core.files import FileResource
from tracker_core.tracker.visibility import Kind, sight_of, visible
from tracker_core.uids import new_uid

_DOMAINS = (
    "DATA_VALUE",
    "PUSH_ANALYSIS",
    "DOCUMENT",
    "MESSAGE_ATTACHMENT",
    "USER_AVATAR",
    "ORG_UNIT",
    "ICON",
    "JOB_DATA",
)
# Pictures of the place and of people are for everybody; the rest for who brought it, or may see what holds it.
_PUBLIC = ("USER_AVATAR", "ORG_UNIT", "ICON")
DIMENSIONS = {name: name for name in ("ORIGINAL", "SMALL", "MEDIUM", "LARGE")}
_KINDS: dict[str, Kind] = {"trackedEntity": "trackedEntity", "event": "event"}


def upload(access: Access, call: Call) -> Reply:
    """Take one file of a form; what it is is seen from its content. Nothing holds it yet: a value must name it."""
    folder = folder_of(access)
    domain = choice(call.given, "domain", {name: name for name in _DOMAINS})
    chosen = uid(call.given, "uid") or new_uid()
    given, content = read_file(call)
    if not content:
        raise Conflict("Could not read file or file is empty")
    name = files.safe_name(given)
    type = files.media_type(name, content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    files.write(folder, draft := new_uid(), content)
    try:
        with access.session() as session:
            orphans = files.forget_orphans(session)
            kept = files.keep(session, chosen, name, type, len(content), md5, domain, call.user.username)
            files.rename(folder, draft, kept.uid)
    finally:
        files.remove(folder, [draft])
    files.remove(folder, orphans)
    answer = web_message(202, response={"responseType": "FileResource", "fileResource": document(kept)})
    return Reply(answer, 202)


def read_about(access: Access, call: Call) -> Reply:
    """What is known of a file."""
    with access.session() as session:
        return Reply(document(_readable(session, call)))


def read_content(access: Access, call: Call) -> Reply:
    """The content of a file."""
    choice(call.given, "dimension", DIMENSIONS)
    with access.session() as session:
        found = _readable(session, call)
    return deliver(access, call, found)


def folder_of(access: Access) -> Path:
    """Return where contents are. Raises `Unsupported` on a hub that has no place for files."""
    if access.files is None:
        raise Unsupported("this hub has no folder for files; set TRACKER_HUB_FILES")
    return access.files


def deliver(access: Access, call: Call, found: FileResource) -> Reply:
    """Return a file's content, or 304 to who has it already. A browser may show it and must not run any of it."""
    headers = {
        "ETag": f'"{found.md5}"',
        "Cache-Control": "max-age=0, must-revalidate, private",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(found.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    known = {tag.strip().removeprefix("W/") for tag in call.headers.get("if-none-match", "").split(",")}
    if headers["ETag"] in known:
        return Reply(b"", 304, content_type=found.content_type, headers=headers)
    content = files.read(folder_of(access), found.uid)
    return Reply(content, content_type=found.content_type, headers=headers)


def document(found: FileResource) -> dict[str, Any]:
    """Return a file resource under DHIS2's names; a picture is kept in its own size only."""
    return {
        "id": found.uid,
        "name": found.name,
        "displayName": found.name,
        "created": found.created,
        "lastUpdated": found.created,
        "contentType": found.content_type,
        "contentLength": found.length,
        "contentMd5": found.md5,
        "domain": found.domain,
        "storageStatus": "STORED",
        "hasMultipleStorageFiles": False,
        "assigned": found.holder is not None,
    }


def _readable(session: Session, call: Call) -> FileResource:
    """Return the file of the path. Raises `NotFound`, or `Forbidden` for who has nothing to do with it."""
    wanted = uid(call.captured, "uid")
    found = files.find(session, wanted)
    if found is None:
        raise NotFound(f"FileResource with id {wanted} could not be found.")
    if found.domain in _PUBLIC or found.username == call.user.username:
        return found
    sight = sight_of(session, call.user.username)
    held = found.holder is not None and found.kind is not None
    if sight.actor.superuser or (held and visible(session, sight, _KINDS[str(found.kind)], [int(found.holder or 0)])):
        return found
    raise Forbidden(f"You don't have access to fileResource '{wanted}' or this fileResource is not available")


ROUTES: Routes = (
    ("POST", "/fileResources", upload),
    ("GET", "/fileResources/{uid}/data", read_content),
    ("GET", "/fileResources/{uid}", read_about),
)
