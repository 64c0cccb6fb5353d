"""In which form a list is sent: JSON or CSV, plain, gzipped or zipped; by suffix, else by `Accept` (Web API 2.42)."""

import gzip
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.parameters import flag
from tracker_core.errors import NotFound

_SUFFIXES = ("json", "csv", "json.gz", "json.gzip", "json.zip", "csv.gz", "csv.gzip", "csv.zip")
_ACCEPTED = {
    "application/json": "json",
    "application/csv": "csv",
    "text/csv": "csv",
    "application/json+gzip": "json.gz",
    "application/json+zip": "json.zip",
    "application/csv+gzip": "csv.gz",
    "application/csv+zip": "csv.zip",
}
_UNSAFE = re.compile(r"[^\w.() -]+")


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent: `text` is `json` or `csv`, `packed` is empty, `gz` or `zip`."""

    text: str = "json"
    packed: str = ""


def form_of(call: Call) -> Form:
    """Return the form that a call asks for; what it accepts besides matters only without a suffix.

    Raises `NotFound` for a suffix that there is none of.
    """
    suffix = call.captured.get("form", "")
    if suffix and suffix not in _SUFFIXES:
        raise NotFound(f"there is no form {suffix} of this list")
    if not suffix:
        accepted = [part.partition(";")[0].strip().lower() for part in call.headers.get("accept", "").split(",")]
        suffix = next((_ACCEPTED[part] for part in accepted if part in _ACCEPTED), "json")
    text, _, packed = suffix.partition(".")
    return Form(text, packed.removesuffix("ip") if packed == "gzip" else packed)


def send(call: Call, name: str, form: Form, write: Callable[[], bytes]) -> Reply:
    """Return what `write` gives, packed, as a file called after the list unless `attachment` says otherwise."""
    body = write()
    inner = f"{name}.{form.text}"
    if form.packed == "gz":
        body = gzip.compress(body, mtime=0)
    elif form.packed == "zip":
        body = _zipped(inner, body)
    content_type = f"application/{form.text}"
    content_type += {"": "; charset=UTF-8" if form.text == "csv" else "", "gz": "+gzip", "zip": "+zip"}[form.packed]
    file = _UNSAFE.sub("_", call.given.get("attachment", "").strip()) or (
        f"{inner}.{form.packed}" if form.packed else inner
    )
    headers = {"Content-Disposition": f"attachment; filename={file}", "Content-Transfer-Encoding": "binary"}
    return Reply(body, content_type=content_type, headers=headers)


def has_header(call: Call) -> bool:
    """Tell whether a CSV begins with the names of its columns."""
    return not flag(call.given, "skipHeader", default=False)


def _zipped(name: str, body: bytes) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
