"""Terminology operations over HTTP, on resources stored by the FHIR API and on loaded code systems."""

from typing import Any

import httpx
import pytest

from terminology import store
from terminology.concepts import Concept, Edition
from tracker_core import history, metadata
from tracker_core.database import Pool, transaction

URL = "http://example.org/fruit"
SYSTEM = {
    "resourceType": "CodeSystem",
    "id": "fruit",
    "url": URL,
    "version": "1",
    "name": "Fruit",
    "language": "en",
    "status": "active",
    "content": "complete",
    "concept": [
        {
            "code": "citrus",
            "display": "Citrus fruit",
            "concept": [
                {"code": "lemon", "display": "Lemon", "designation": [{"language": "fr", "value": "Citron"}]},
                {"code": "lime", "display": "Lime", "definition": "A green one"},
            ],
        },
        {"code": "apple", "display": "Apple"},
    ],
}
SET = {
    "resourceType": "ValueSet",
    "id": "sour",
    "url": "http://example.org/sour",
    "status": "active",
    "compose": {"include": [{"system": URL, "filter": [{"property": "concept", "op": "is-a", "value": "citrus"}]}]},
}
MAP = {
    "resourceType": "ConceptMap",
    "id": "colours",
    "url": "http://example.org/colours",
    "status": "active",
    "group": [
        {
            "source": URL,
            "target": "urn:colours",
            "element": [
                {"code": "lemon", "target": [{"code": "yellow", "equivalence": "equivalent"}]},
                {"code": "citrus", "target": [{"code": "yellow", "equivalence": "wider"}]},
                {"code": "apple", "target": [{"equivalence": "unmatched", "comment": "many"}]},
            ],
        }
    ],
}


@pytest.fixture
def shelf(client: httpx.Client) -> httpx.Client:
    """A server that holds a code system, a value set and a map."""
    for doc in (SYSTEM, SET, MAP):
        assert client.put(f"/{doc['resourceType']}/{doc['id']}", json=doc).status_code == 201
    return client


def values(response: httpx.Response) -> dict[str, Any]:
    """Return name -> value of a Parameters resource; of names that repeat, the last."""
    assert response.status_code == 200, response.text
    parts = response.json()["parameter"]
    return {one["name"]: next((v for k, v in one.items() if k != "name"), None) for one in parts}


def test_expands_by_url_and_by_id(shelf: httpx.Client) -> None:
    """Both ways lead to the same codes; a filter finds starts of words, a page is cut from the whole."""
    by_url = shelf.get("/ValueSet/$expand", params={"url": SET["url"], "excludeNested": "true"}).json()
    by_id = shelf.get("/ValueSet/sour/$expand", params={"excludeNested": "true"}).json()
    codes = [one["code"] for one in by_url["expansion"]["contains"]]
    assert codes == [one["code"] for one in by_id["expansion"]["contains"]] == ["citrus", "lemon", "lime"]
    found = shelf.get("/ValueSet/$expand", params={"url": SET["url"], "filter": "LEM"}).json()
    assert [one["code"] for one in found["expansion"]["contains"]] == ["lemon"]
    page = shelf.get("/ValueSet/$expand", params={"url": SET["url"], "count": 1, "offset": 1}).json()
    assert [one["code"] for one in page["expansion"]["contains"]] == ["lemon"]
    assert page["expansion"]["total"] == 3


def test_expands_nested_and_in_a_language(shelf: httpx.Client) -> None:
    """A whole hierarchy is shown as one; Accept-Language chooses the display."""
    answer = shelf.get("/ValueSet/$expand", params={"url": SET["url"]}, headers={"accept-language": "fr"}).json()
    (top,) = answer["expansion"]["contains"]
    assert (top["code"], [one["display"] for one in top["contains"]]) == ("citrus", ["Citron", "Lime"])


def test_validates_and_looks_up(shelf: httpx.Client) -> None:
    """A member is valid, another code of the system is not; a code's facts are told."""
    asked = {"url": SET["url"], "system": URL, "code": "lemon"}
    assert values(shelf.get("/ValueSet/$validate-code", params=asked))["result"] is True
    assert values(shelf.get("/ValueSet/$validate-code", params={**asked, "code": "apple"}))["result"] is False
    assert values(shelf.get("/CodeSystem/$validate-code", params={"url": URL, "code": "apple"}))["result"] is True
    assert values(shelf.get("/CodeSystem/fruit/$validate-code", params={"url": URL, "code": "pear"}))["result"] is False
    found = values(shelf.get("/CodeSystem/$lookup", params={"system": URL, "code": "lime"}))
    assert (found["display"], found["definition"], found["version"]) == ("Lime", "A green one", "1")
    missing = shelf.get("/CodeSystem/$lookup", params={"system": URL, "code": "pear"})
    assert (missing.status_code, missing.json()["issue"][0]["code"]) == (404, "not-found")


def test_subsumes(shelf: httpx.Client) -> None:
    """The four outcomes of $subsumes."""
    pairs = {
        ("citrus", "lemon"): "subsumes",
        ("lemon", "citrus"): "subsumed-by",
        ("lime", "lime"): "equivalent",
        ("lime", "apple"): "not-subsumed",
    }
    for (one, other), outcome in pairs.items():
        asked = {"system": URL, "codeA": one, "codeB": other}
        assert values(shelf.get("/CodeSystem/$subsumes", params=asked))["outcome"] == outcome
    refused = shelf.get("/CodeSystem/$subsumes", params={"system": URL, "codeA": "lime"})
    assert refused.status_code == 400


def test_translates_both_ways(shelf: httpx.Client) -> None:
    """Forward gives the target, reverse every source with the relation turned; no match is result false."""
    forward = shelf.get("/ConceptMap/$translate", params={"url": MAP["url"], "system": URL, "code": "lemon"})
    assert values(forward)["result"] is True
    assert values(forward)["match"][1]["valueCoding"] == {"system": "urn:colours", "code": "yellow"}
    asked = {"system": "urn:colours", "code": "yellow", "reverse": "true"}
    back = shelf.get("/ConceptMap/colours/$translate", params=asked).json()["parameter"]
    matches = [(one["part"][1]["valueCoding"]["code"], one["part"][0]["valueCode"]) for one in back[1:]]
    assert matches == [("lemon", "equivalent"), ("citrus", "narrower")]
    none = shelf.get("/ConceptMap/$translate", params={"url": MAP["url"], "system": URL, "code": "apple"})
    assert values(none)["result"] is False
    assert shelf.get("/ConceptMap/$translate", params={"url": "urn:none", "code": "x"}).status_code == 404


def test_loaded_systems_serve_too(client: httpx.Client, pool: Pool) -> None:
    """What `terms load` stored is seen by the operations at once."""
    with transaction(pool) as session:
        edition = Edition("http://example.org/loaded", "2026", "Loaded")
        store.load(session, edition, [Concept("A", "Above"), Concept("B", "Below", ("A",))])
    given = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": [{"system": edition.url}]}}
    body = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": given}]}
    answer = client.post("/ValueSet/$expand", json=body).json()
    assert [one["code"] for one in answer["expansion"]["contains"][0]["contains"]] == ["B"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"resourceType":"Patient"}', 400),
        (b'{"resourceType":"Parameters","parameter":3}', 400),
        (b'{"resourceType":"Parameters"}', 400),
        (b'{"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"urn:nothing"}]}', 404),
    ],
)
def test_bad_requests_are_refused(client: httpx.Client, body: bytes, status: int) -> None:
    """Whatever makes no question is answered with an OperationOutcome."""
    answer = client.post("/ValueSet/$expand", content=body)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


def test_an_unbounded_expansion_is_refused(client: httpx.Client) -> None:
    """More than a thousand codes come in pages, or not at all."""
    many = {**SYSTEM, "id": "many", "url": "urn:many", "concept": [{"code": f"c{n}"} for n in range(1001)]}
    given = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": [{"system": "urn:many"}]}}
    parts: list[dict[str, Any]] = [{"name": "valueSet", "resource": given}, {"name": "tx-resource", "resource": many}]
    refused = client.post("/ValueSet/$expand", json={"resourceType": "Parameters", "parameter": parts})
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "too-costly")
    paged = [*parts, {"name": "count", "valueInteger": 10}, {"name": "offset", "valueInteger": 995}]
    answer = client.post("/ValueSet/$expand", json={"resourceType": "Parameters", "parameter": paged}).json()
    assert [one["code"] for one in answer["expansion"]["contains"]] == [f"c{n}" for n in range(995, 1001)]


def test_closure_grows(shelf: httpx.Client) -> None:
    """Each call gives the relations that its concepts bring; an old version is caught up with."""

    def ask(*codes: str, version: str = "") -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"name": "name", "valueString": "mine"}]
        parts += [{"name": "concept", "valueCoding": {"system": URL, "code": code}} for code in codes]
        parts += [{"name": "version", "valueString": version}] if version else []
        answer = shelf.post("/$closure", json={"resourceType": "Parameters", "parameter": parts})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def pairs(doc: dict[str, Any]) -> set[tuple[str, str]]:
        return {(e["code"], t["code"]) for g in doc["group"] for e in g["element"] for t in e["target"]}

    assert ask()["version"] == "0"
    assert pairs(ask("lemon", "apple")) == set()
    second = ask("citrus")
    assert (second["version"], pairs(second)) == ("2", {("lemon", "citrus")})
    assert pairs(ask("lime")) == {("lime", "citrus")}
    assert pairs(ask("lime")) == set()
    assert pairs(ask(version="1")) == {("lemon", "citrus"), ("lime", "citrus")}
    assert ask()["version"] == "0"
    refused = shelf.post("/$closure", json={"resourceType": "Parameters", "parameter": []})
    assert refused.status_code == 400


def test_supplements_add_wordings(shelf: httpx.Client) -> None:
    """A supplement that is asked for adds its designations; one that is not there is refused."""
    more = {
        "resourceType": "CodeSystem",
        "id": "more",
        "url": "http://example.org/fruit-de",
        "status": "active",
        "content": "supplement",
        "supplements": URL,
        "concept": [{"code": "lemon", "designation": [{"language": "de", "value": "Zitrone"}]}],
    }
    assert shelf.put("/CodeSystem/more", json=more).status_code == 201
    asked = {"url": SET["url"], "displayLanguage": "de", "excludeNested": "true"}
    answer = shelf.get("/ValueSet/$expand", params={**asked, "useSupplement": more["url"]}).json()
    assert [one.get("display") for one in answer["expansion"]["contains"]] == ["Citrus fruit", "Zitrone", "Lime"]
    plain = shelf.get("/ValueSet/$expand", params=asked).json()
    assert [one.get("display") for one in plain["expansion"]["contains"]] == ["Citrus fruit", "Lemon", "Lime"]
    missing = shelf.get("/ValueSet/$expand", params={**asked, "useSupplement": "urn:none"})
    assert (missing.status_code, missing.json()["issue"][0]["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        (f"{URL}?fhir_vs", ["citrus", "lemon", "lime", "apple"]),
        (f"{URL}?fhir_vs=isa/citrus", ["citrus", "lemon", "lime"]),
    ],
)
def test_implicit_value_sets(shelf: httpx.Client, url: str, codes: list[str]) -> None:
    """A code system's own value sets need no resource."""
    answer = shelf.get("/ValueSet/$expand", params={"url": url, "excludeNested": "true"}).json()
    assert [one["code"] for one in answer["expansion"]["contains"]] == codes


def test_built_in_systems_and_a_change_are_seen(shelf: httpx.Client) -> None:
    """HL7's own value sets are there; an updated value set counts from the next request on."""
    gender = {
        "url": "http://hl7.org/fhir/ValueSet/administrative-gender",
        "system": "http://hl7.org/fhir/administrative-gender",
    }
    assert values(shelf.get("/ValueSet/$validate-code", params={**gender, "code": "male"}))["result"] is True
    asked = {"url": SET["url"], "system": URL, "code": "apple"}
    assert values(shelf.get("/ValueSet/$validate-code", params=asked))["result"] is False
    assert shelf.put("/ValueSet/sour", json={**SET, "compose": {"include": [{"system": URL}]}}).status_code == 200
    assert values(shelf.get("/ValueSet/$validate-code", params=asked))["result"] is True


def test_terminology_capabilities(client: httpx.Client) -> None:
    """`mode=terminology` tells what expansions take."""
    doc = client.get("/metadata", params={"mode": "terminology"}).json()
    names = {one["name"] for one in doc["expansion"]["parameter"]}
    assert doc["resourceType"] == "TerminologyCapabilities"
    assert {"activeOnly", "count", "displayLanguage", "force-system-version", "tx-resource"} <= names


def test_properties_are_shown_on_demand(shelf: httpx.Client) -> None:
    """`property` adds definitions, parents and others to each member that has them."""
    asked = {"url": SET["url"], "excludeNested": "true", "property": ["definition", "parent"]}
    found = shelf.get("/ValueSet/$expand", params=asked).json()["expansion"]
    lime = next(one for one in found["contains"] if one["code"] == "lime")
    expected = [{"code": "definition", "valueString": "A green one"}, {"code": "parent", "valueCode": "citrus"}]
    assert lime["property"] == expected
    assert {one["code"] for one in found["property"]} == {"definition", "parent"}


def test_option_sets_are_code_systems(client: httpx.Client, pool: Pool) -> None:
    """The tracker's option sets are validated against and expanded, as they are now."""
    uid, url = "OsTermino01", "urn:tracker-hub:option-set:OsTermino01"
    options = [{"id": f"OpTermino0{n}", "code": code, "name": code.title()} for n, code in enumerate(("YES", "NO"))]
    payload = {
        "optionSets": [
            {"id": uid, "name": "Answers", "valueType": "TEXT", "options": [{"id": o["id"]} for o in options]}
        ],
        "options": [{**o, "optionSet": {"id": uid}, "sortOrder": n + 1} for n, o in enumerate(options)],
    }
    assert client.get("/ValueSet/$expand", params={"url": f"{url}?fhir_vs"}).status_code == 404
    with transaction(pool) as session:
        context = history.open_change_set(session, "system")
        assert metadata.import_objects(session, context, payload).errors == []
    found = client.get("/ValueSet/$expand", params={"url": f"{url}?fhir_vs"}).json()["expansion"]["contains"]
    assert [(one["code"], one["display"]) for one in found] == [("YES", "Yes"), ("NO", "No")]


@pytest.mark.parametrize(
    "concepts",
    [
        [{"code": "a"}, {"code": "a"}],
        [{"code": "a", "property": [{"code": "parent", "valueCode": "nowhere"}]}],
        [{"code": "a", "property": [{"code": "parent", "valueCode": "a"}]}],
        [{"display": "no code"}],
    ],
)
def test_code_systems_that_make_no_hierarchy_are_refused(client: httpx.Client, concepts: list[dict[str, Any]]) -> None:
    """Brought or stored, a code twice, a missing parent, a circle: the operation says what is wrong."""
    head = {"resourceType": "CodeSystem", "url": "urn:broken", "status": "active", "content": "complete"}
    doc: dict[str, Any] = {**head, "concept": concepts}
    given = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": [{"system": "urn:broken"}]}}
    parts = [{"name": "valueSet", "resource": given}, {"name": "tx-resource", "resource": doc}]
    brought = client.post("/ValueSet/$expand", json={"resourceType": "Parameters", "parameter": parts})
    assert (brought.status_code, brought.json()["resourceType"]) == (422, "OperationOutcome")
    if client.put("/CodeSystem/broken", json={**doc, "id": "broken"}).status_code == 201:
        stored = client.get("/CodeSystem/$validate-code", params={"url": "urn:broken", "code": "a"})
        assert stored.status_code == 422


def test_a_system_is_inferred_from_the_value_set(shelf: httpx.Client) -> None:
    """A code that one system of the set has needs no system."""
    asked = {"url": SET["url"], "code": "lime", "inferSystem": "true"}
    found = values(shelf.get("/ValueSet/$validate-code", params=asked))
    assert (found["result"], found["system"]) == (True, URL)
    assert values(shelf.get("/ValueSet/$validate-code", params={**asked, "code": "pear"}))["result"] is False


def test_a_long_chain_of_imports_is_refused(client: httpx.Client) -> None:
    """Value sets that import one another without end are too costly, and no fault of the server."""
    sets = [
        {"resourceType": "ValueSet", "url": f"urn:{n}", "compose": {"include": [{"valueSet": [f"urn:{n + 1}"]}]}}
        for n in range(2000)
    ]
    parts: list[dict[str, Any]] = [{"name": "tx-resource", "resource": one} for one in sets]
    parts.append({"name": "url", "valueUri": "urn:0"})
    refused = client.post("/ValueSet/$expand", json={"resourceType": "Parameters", "parameter": parts})
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "too-costly")


def test_closure_tables_are_written_by_post_only(shelf: httpx.Client) -> None:
    """A link cannot change a table."""
    assert shelf.get("/ConceptMap/$closure", params={"name": "mine"}).status_code in (404, 405)


def test_a_closure_call_is_bounded(shelf: httpx.Client) -> None:
    """More concepts at once than one call may bring are refused."""
    parts: list[dict[str, Any]] = [{"name": "name", "valueString": "big"}]
    parts += [{"name": "concept", "valueCoding": {"system": URL, "code": f"c{n}"}} for n in range(1001)]
    refused = shelf.post("/$closure", json={"resourceType": "Parameters", "parameter": parts})
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "too-costly")
