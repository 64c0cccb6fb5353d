"""Codecs for documents inside messages: ED, RP and text <-> Attachment, and the bound on what a record keeps.

HL7 v2.9 chapter 2A (ED, RP) and 9.6 (TXA, OBX of a document); guide OBX[DocumentReference], ED[Attachment].
"""

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha1
from typing import Any

from mappings.codecs.choices import head
from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.identifiers import joined, parts
from mappings.er7 import NULL, escape, unescape
from mappings.scope import Scope

Value = dict[str, Any]
FAMILIES = {"AP": "application", "IM": "image", "TEXT": "text", "AU": "audio", "MULTIPART": "multipart", "FT": "text"}
PLAIN = "text/plain"


def content_type(kind: str, subtype: str) -> str:
    """Return the media type of ED.2-3 or RP.3-4."""
    name = FAMILIES.get(kind.upper(), kind.lower())
    return f"{name}/{subtype.lower()}" if subtype else name if "/" in name else ""


def embedded(text: str, scope: Scope) -> Any:
    """Read ED as an Attachment: Base64 data as they are; `MISSING`, told, for another encoding.

    Data beyond the sender's bound (`Profile.attachment`) are not kept: size and hash say what they were.
    """
    _source, kind, subtype, encoding, data = (text.split(scope.marks[1], 4) + [""] * 5)[:5]
    if encoding.upper() != "BASE64":
        scope.warn("attachment-encoding", "only Base64 data become an attachment", encoding)
        return MISSING
    return bounded({"contentType": content_type(kind, subtype), "data": data}, scope)


def pointed(text: str, scope: Scope) -> Any:
    """Read RP as an Attachment: a link to the data."""
    link, _application, kind, subtype = (parts(text, scope.marks[1], scope) + [""] * 4)[:4]
    return filled({"contentType": content_type(kind, subtype), "url": link}) if link else MISSING


def bounded(attachment: Value, scope: Scope) -> Value:
    """Return an attachment without data that are larger than the sender's bound."""
    data = attachment["data"]
    limit = scope.profile.attachment
    if len(data) * 3 // 4 <= limit:
        return filled(attachment)
    scope.warn(
        "attachment-size", f"data of more than {limit} bytes were not kept in the record", str(len(data) * 3 // 4)
    )
    try:
        content = b64decode(data)
    except Error:
        return filled({**attachment, "data": ""})
    digest = b64encode(sha1(content, usedforsecurity=False).digest()).decode()
    return filled({"contentType": attachment["contentType"], "size": len(content), "hash": digest})


def filled(fields: Value) -> Value:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value}


def written(attachment: Value, scope: Scope) -> tuple[str, str] | None:
    """Return type and text of an attachment: ED, or RP when it is a link."""
    kind, _, subtype = attachment.get("contentType", "").partition("/")
    if "url" in attachment:
        return "RP", joined([attachment["url"], "", kind, subtype], scope.marks[1], scope)
    if "data" not in attachment:
        return None
    fields = ["", kind, subtype, "Base64", attachment["data"]]
    return "ED", scope.marks[1].join(escape(part, scope.encoding) for part in fields)


def read_document(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read OBX-2,3,5 of a document as an Attachment: its data, a link, or its text."""
    kind, text = head(texts[0], scope), texts[2]
    if not text or text == NULL:
        return MISSING
    made = embedded(text, scope) if kind == "ED" else pointed(text, scope) if kind == "RP" else MISSING
    if made is MISSING:
        lines = "\n".join(unescape(line, scope.encoding) for line in text.split(scope.marks[0])).rstrip()
        made = bounded({"contentType": PLAIN, "data": b64encode(lines.encode()).decode()}, scope)
    title = [*parts(texts[1].split(scope.marks[0], 1)[0], scope.marks[1], scope), ""][1]
    return {**made, "title": title} if title else made


def write_document(value: Any, scope: Scope, old: list[str]) -> list[str] | None:
    """Write an Attachment as OBX-2,3,5; text goes as text, a repetition a line."""
    title = joined([parts(old[1], scope.marks[1], scope)[0], value.get("title", "")], scope.marks[1], scope)
    if value.get("contentType") == PLAIN and "data" in value:
        lines = plain_text(value).split("\n")
        return ["TX", title, scope.marks[0].join(escape(line, scope.encoding) for line in lines)]
    found = written(value, scope)
    return [found[0], title, found[1]] if found else None


def plain_text(attachment: Value) -> str:
    """Return the text of an attachment of plain text."""
    return b64decode(attachment.get("data", "")).decode("utf-8", "replace")


CODECS = (Codec("document", read_document, write_document, "fields", targets=("data", "contentType", "url"), arity=3),)
