"""`/api/icons`: the icons that metadata names. Drawn here, plainly, one picture per subject in DHIS2's three styles."""

from collections.abc import Iterator
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.lists import envelope, read_paging
from tracker_core.errors import NotFound

SVG = "image/svg+xml"
_STYLES = ("negative", "outline", "positive")
# subject: (keywords, paths in a square of 48). A name with none of these subjects gets the plain disc.
_CROSS = "M20 10h8v10h10v8H28v10h-8V28H10v-8h10z"
_DROP = "M24 8c7 9 11 14 11 20a11 11 0 0 1-22 0c0-6 4-11 11-20z"
_HEAD = "M24 8a6 6 0 1 1 0 12 6 6 0 0 1 0-12z"
_SUBJECTS: dict[str, tuple[str, str]] = {
    "alert": ("warning attention", "M24 9l16 28H8zM23 19h3v9h-3zM23 31h3v3h-3z"),
    "ambulance": ("emergency transport", "M8 16h20v16H8zM28 21h7l5 6v5H28zM13 32h6v4h-6zM29 32h6v4h-6zM15 20h4v8h-4z"),
    "baby": ("infant newborn child", f"{_HEAD}M14 24h20l-4 16H18z"),
    "bednet": ("malaria mosquito net", "M24 8l16 14v18H8V22zM16 24v14M24 20v18M32 24v14"),
    "blood_pressure": ("hypertension measure heart", "M24 10a14 14 0 1 0 .1 0zM24 24l8-8"),
    "calendar": ("date plan schedule", "M10 12h28v26H10zM10 19h28M17 8v7M31 8v7"),
    "child": ("person young", f"{_HEAD}M18 22h12v10h-3v8h-6v-8h-3z"),
    "circle_large": ("shape", "M24 9a15 15 0 1 0 .1 0z"),
    "clinical_fe": ("woman doctor staff", f"{_HEAD}M14 40c0-12 4-16 10-16s10 4 10 16z"),
    "clinical_f": ("woman doctor staff", f"{_HEAD}M14 40c0-12 4-16 10-16s10 4 10 16z"),
    "clinical_a": ("doctor staff", f"{_HEAD}M14 40c0-12 4-16 10-16s10 4 10 16z"),
    "construction": ("work building", "M10 38h28M14 38V20h20v18M12 20l12-10 12 10"),
    "cross": ("health hospital", _CROSS),
    "diarrhea": ("illness stool", _DROP),
    "doctor": ("staff health worker", f"{_HEAD}M14 40c0-12 4-16 10-16s10 4 10 16z"),
    "family": ("people household", "M16 12a4 4 0 1 0 .1 0zM32 12a4 4 0 1 0 .1 0zM11 22h10v16H11zM27 22h10v16H27z"),
    "fever": ("temperature thermometer illness", "M21 8h6v20a7 7 0 1 1-6 0zM24 16v16"),
    "health_worker": ("staff community", f"{_HEAD}M14 40c0-12 4-16 10-16s10 4 10 16z"),
    "heart": ("cardiology", "M24 38L11 25a8 8 0 0 1 13-9 8 8 0 0 1 13 9z"),
    "home": ("house household", "M8 24L24 9l16 15M13 22v16h22V22M21 38V28h6v10"),
    "hospital": ("facility building health", f"M9 9h30v30H9z{_CROSS}"),
    "lactation": ("breast feeding infant", f"{_HEAD}M16 22h16v16H16z"),
    "magnifying_glass": ("search find", "M21 9a12 12 0 1 0 .1 0zM30 30l9 9"),
    "malaria_outbreak": ("mosquito epidemic", "M24 9v30M9 24h30M14 14l20 20M34 14L14 34"),
    "malaria_testing": ("mosquito laboratory test", "M18 9h12v20a6 6 0 0 1-12 0zM18 20h12"),
    "man": ("person male", f"{_HEAD}M17 22h14v12h-3v6h-8v-6h-3z"),
    "megaphone": ("campaign outreach", "M10 20h8l16-9v26l-16-9h-8zM16 29l3 9h5l-3-8"),
    "microscope": ("laboratory test", "M22 8h6v16h-6zM14 38h22M32 20a10 10 0 0 1-6 16H16"),
    "mosquito": ("malaria vector insect", "M24 14v22M24 20L10 12M24 20l14-8M24 28L12 38M24 28l12 10"),
    "outpatient": ("visit clinic", f"{_HEAD}M14 40c0-12 4-16 10-16s10 4 10 16z"),
    "people": (
        "group population",
        "M16 12a5 5 0 1 0 .1 0zM32 12a5 5 0 1 0 .1 0zM8 38c0-9 3-13 8-13s8 4 8 13zM24 38c0-9 3-13 8-13s8 4 8 13z",
    ),
    "pills_1": ("medicine drug", "M12 18h24v12H12zM24 18v12"),
    "pills_4": ("medicine drug", "M10 12h12v8H10zM26 12h12v8H26zM10 28h12v8H10zM26 28h12v8H26z"),
    "pregnant": ("woman antenatal maternal", f"{_HEAD}M18 22h9a9 9 0 0 1 0 14v4h-9z"),
    "question": ("help unknown", "M18 18a6 6 0 1 1 8 6c-2 1-2 2-2 5M23 33h3v3h-3z"),
    "syringe": ("vaccine immunization injection", "M30 8l10 10M35 13L18 30l-5 5M22 18l8 8M10 38l5-5M18 22l8 8"),
    "tb": ("tuberculosis lung", "M22 10v14c-8 0-11 6-11 14h9l2-10zM26 10v14c8 0 11 6 11 14h-9l-2-10z"),
    "vaccine": ("immunization bottle", "M19 9h10v6H19zM17 17h14v22H17zM17 26h14"),
    "virus": (
        "infection epidemic",
        "M24 15a9 9 0 1 0 .1 0zM24 8v7M24 33v7M8 24h7M33 24h7M13 13l5 5M30 30l5 5M35 13l-5 5M13 35l5-5",
    ),
    "woman": ("person female", f"{_HEAD}M20 22h8l6 12h-6v6h-8v-6h-6z"),
    "yes": ("check done", "M11 25l9 9 17-19"),
    "no": ("cancel refuse", "M13 13l22 22M35 13L13 35"),
}


def list_icons(_access: Access, call: Call) -> Reply:
    """The icons, those that `keywords=` or `search=` find, page by page."""
    paging = read_paging(call.given)
    words = [word for text in _asked(call) for word in text.lower().split(",") if word]
    found = [icon for icon in _library(call) if all(word in (*icon["keywords"], icon["key"]) for word in words)]
    sought = call.given.get("search", "").lower()
    found = [icon for icon in found if sought in icon["key"] or any(sought in word for word in icon["keywords"])]
    page = found[paging.offset :][: paging.limit] if paging.number else found
    return Reply(envelope("icons", page, paging, call.url, call.given, len(found)))


def list_keywords(_access: Access, _call: Call) -> Reply:
    """Every keyword."""
    return Reply(sorted({word for words, _ in _SUBJECTS.values() for word in words.split()}))


def read_icon(_access: Access, call: Call) -> Reply:
    """One icon; a name that is not known is the plain one, as imported metadata may name any."""
    return Reply(_icon(call, call.captured["key"]))


def draw_icon(_access: Access, call: Call) -> Reply:
    """The picture."""
    key = call.captured["key"]
    if not key.replace("_", "").isalnum():
        raise NotFound(f"Icon not found: {key}")
    return Reply(_draw(key).encode(), content_type=SVG, headers={"Cache-Control": "max-age=86400"})


def _asked(call: Call) -> Iterator[str]:
    return (value for name, value in call.pairs if name == "keywords")


def _library(call: Call) -> Iterator[dict[str, Any]]:
    return (_icon(call, f"{subject}_{style}") for subject in _SUBJECTS for style in _STYLES)


def _icon(call: Call, key: str) -> dict[str, Any]:
    subject, _, style = key.rpartition("_")
    if not key.replace("_", "").isalnum():
        raise NotFound(f"Icon not found: {key}")
    words = _SUBJECTS.get(subject, ("", ""))[0].split()
    return {
        "key": key,
        "description": f"{subject.replace('_', ' ')} {style}".strip(),
        "keywords": words,
        "custom": False,
        "href": f"{call.url.partition('/icons')[0]}/icons/{key}/icon.svg",
    }


def _draw(key: str) -> str:
    subject, _, style = key.rpartition("_")
    path = _SUBJECTS.get(subject, ("", "M24 12a12 12 0 1 0 .1 0z"))[1]
    ground, ink, fill = {
        "negative": ("#333", "#fff", "#fff"),
        "outline": ("none", "#333", "none"),
    }.get(style, ("none", "#333", "#333"))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48">'
        f'<rect width="48" height="48" rx="4" fill="{ground}"/>'
        f'<path d="{path}" fill="{fill}" stroke="{ink}" stroke-width="2" fill-rule="evenodd"/></svg>'
    )


ROUTES: Routes = (
    ("GET", "/icons", list_icons),
    ("GET", "/icons/keywords", list_keywords),
    ("GET", "/icons/{key}", read_icon),
    ("GET", "/icons/{key}/icon", draw_icon),
    ("GET", "/icons/{key}/icon.svg", draw_icon),
)
