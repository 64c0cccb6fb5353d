"""Value sets that need no resource: code systems define them by the form of their url (R4 4.3, SNOMED CT, LOINC)."""

from urllib.parse import unquote

from terminology.library import Document

LOINC = "http://loinc.org"


def value_set(url: str) -> Document | None:
    """Return the ValueSet that `url` stands for, or None.

    `SYSTEM?fhir_vs` is every code; `?fhir_vs=isa/CODE` a code and what is below it; `?fhir_vs=ecl/EXPRESSION` what an
    expression describes; `http://loinc.org/vs` and `/vs/LP…` all of LOINC, and what is below a part.
    """
    system, marked, query = url.partition("?fhir_vs")
    if marked:
        return _of_query(url, system, query.removeprefix("="))
    if url == f"{LOINC}/vs":
        return _made(url, LOINC)
    if url.startswith(f"{LOINC}/vs/LP"):
        return _made(url, LOINC, "concept", "is-a", url.rpartition("/")[2])
    return None


def _of_query(url: str, system: str, query: str) -> Document | None:
    kind, _, rest = unquote(query).partition("/")
    if not query:
        return _made(url, system)
    if kind == "isa" and rest:
        return _made(url, system, "concept", "is-a", rest)
    if kind == "ecl" and rest:
        return _made(url, system, "constraint", "=", rest)
    return None


def _made(url: str, system: str, *test: str) -> Document:
    include: Document = {"system": system}
    if test:
        include["filter"] = [dict(zip(("property", "op", "value"), test, strict=True))]
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [include]}}
