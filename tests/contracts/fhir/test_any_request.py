"""Whatever is sent, the server answers in its words and is never the one at fault: no 5xx."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.fhir import xml
from adapters.fhir.patching import JSON_PATCH
from tests.adapters.fhir.minimal import minimal
from tracker_core.errors import HubError
from tracker_core.records import definitions

TYPES = ("Patient", "Observation", "Encounter", "ValueSet", "Bundle", "Parameters", "Binary", "Basic", "Location")
RESULTS = ("_count", "_sort", "_summary", "_elements", "_total", "_include", "_revinclude", "_since", "_at", "_cursor")
ODD = (
    "",
    "a",
    "1",
    "-1",
    "1.5e3",
    "2020",
    "2020-02-30",
    "ge2020-01",
    "lt5",
    "a|b",
    "|",
    "a$b",
    "a,b",
    "\\",
    "Patient/1",
)
ODD += ("true", "*", "Patient:name", "Observation:subject:Patient", "\u00e9\u4e2d\U0001f600", "%", "'", "http://x/y|1")
MODIFIERS = ("", ":exact", ":contains", ":missing", ":not", ":in", ":above", ":text", ":Patient", ":of-type", ":wrong")
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.sampled_from(ODD)
)
jsons = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@st.composite
def queries(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Parameters of a search, known and unknown, with modifiers and values that fit or do not."""
    type_ = draw(st.sampled_from(TYPES))
    names = st.sampled_from([*definitions.parameters(type_), *RESULTS, "_has:Observation:patient:code", "nonsense"])
    pair = st.tuples(names, st.sampled_from(MODIFIERS), st.sampled_from(ODD) | st.text(max_size=12))
    return [(name + modifier, value) for name, modifier, value in draw(st.lists(pair, max_size=4))]


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A small valid record in which some places were overwritten."""
    document = minimal(draw(st.sampled_from(TYPES)), draw(st.sampled_from(("", "a"))))
    for _ in range(draw(st.integers(0, 3))):
        known = list(definitions.elements(document["resourceType"])) if isinstance(document, dict) else []
        if known:
            document[draw(st.sampled_from(known))] = draw(jsons)
    return document


@st.composite
def patches(draw: st.DrawFn) -> Any:
    """A patch of either kind, more or less."""
    paths = st.sampled_from(
        ("/status", "/gender", "/name/0", "/a/b", "", "x", "/-", "Patient.name", "Observation.value")
    )
    if draw(st.booleans()):
        op = st.sampled_from(("add", "remove", "replace", "move", "copy", "test", "x"))
        one = st.fixed_dictionaries({"op": op, "path": paths}, optional={"value": jsons, "from": paths})
        return draw(st.lists(one, max_size=3))
    type_ = draw(st.sampled_from(("add", "insert", "delete", "replace", "move", "x")))
    parts = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": draw(paths | st.text(max_size=20))}]
    parts += [{"name": draw(st.sampled_from(("name", "value", "index", "source"))), "valueString": draw(jsons)}]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


@st.composite
def bundles(draw: st.DrawFn) -> Any:
    """A bundle of interactions that fit or do not."""
    methods = st.sampled_from(("POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "x"))
    urls = st.sampled_from(
        ("Patient", "Patient/a", "Patient?_id=a", "Basic/b", "", "x/y", "Patient/a/_history", "_history")
    )
    request = st.fixed_dictionaries({"method": methods, "url": urls}, optional={"ifMatch": st.sampled_from(ODD)})
    one = st.fixed_dictionaries(
        {"request": request}, optional={"resource": documents() | patches() | jsons, "fullUrl": st.sampled_from(ODD)}
    )
    entries = draw(st.lists(one, max_size=4))
    return {"resourceType": "Bundle", "type": draw(st.sampled_from(("transaction", "batch", "x"))), "entry": entries}


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, str]:
    """Bytes and what they claim to be."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60)), draw(
            st.sampled_from(("application/fhir+json", "text/xml", JSON_PATCH, "x/y"))
        )
    value = draw(documents() | bundles() | patches())
    raw = json.dumps(value).encode()
    if isinstance(value, dict) and draw(st.booleans()):
        try:
            return xml.write(raw), "application/fhir+xml"
        except (HubError, ValueError, KeyError, TypeError, AttributeError):
            return raw, "application/fhir+xml"
    return raw, JSON_PATCH if isinstance(value, list) else "application/fhir+json"


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """One request."""
    method = draw(st.sampled_from(("GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")))
    kind = draw(st.sampled_from(TYPES))
    ends = ("", "/a", "/b/_history", "/a/_history/1", "/_history", "/_search", "/%00", "/a/$everything", "/$x", "/..")
    path = draw(st.sampled_from([f"/{kind}{end}" for end in ends] + ["/", "", "/_history", "/metadata", "/_search"]))
    headers = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "if-match": st.sampled_from(('W/"1"', "x", "*", "")),
                "if-none-match": st.sampled_from(('W/"1"', "*")),
                "if-none-exist": st.sampled_from(("identifier=a|b", "_id=a", "x=1", "?", "name:x=1")),
                "if-modified-since": st.sampled_from(
                    ("Fri, 01 Jan 2100 00:00:00 GMT", "Fri, 01 Jan 99999 00:00:00 GMT")
                ),
                "prefer": st.sampled_from(("return=minimal", "return=representation", "handling=strict")),
                "accept": st.sampled_from(("application/fhir+xml", "x", "application/json;q=x", "*/*;q=0")),
            },
        )
    )
    made: dict[str, Any] = {"method": method, "url": path, "params": draw(queries()), "headers": headers}
    if method in ("POST", "PUT", "PATCH"):
        made["content"], headers["content-type"] = draw(bodies())
    return made


def check(client: httpx.Client, count: int) -> None:
    """Send that many different requests."""

    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(requests())
    def send(request: dict[str, Any]) -> None:
        answer = client.request(**request)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and answer.content:
            assert b"OperationOutcome" in answer.content

    send()


def test_a_thousand_requests(client: httpx.Client) -> None:
    """A tenth of the requests of the long run."""
    check(client, 1_000)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_requests(client: httpx.Client) -> None:
    """No 5xx in 10,000 requests."""
    check(client, 10_000)
