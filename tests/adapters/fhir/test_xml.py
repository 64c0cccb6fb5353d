"""XML in and out: one codec by the definitions, and nothing dangerous taken."""

import json

import httpx
import pytest

from adapters.fhir import xml
from tests.adapters.fhir.test_interactions import issue
from tracker_core.errors import Malformed

PATIENT = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a person of our own -->
<Patient xmlns="http://hl7.org/fhir">
  <id value="x1"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>Ada &amp; <b>co</b></p></div></text>
  <contained><Organization><id value="o"/><name value="Öst &lt;1&gt;"/></Organization></contained>
  <extension url="urn:e"><valueDecimal value="1.50"/></extension>
  <identifier id="i1"><system value="urn:x"/><value value="A &quot;1&quot;"/></identifier>
  <active value="true"/>
  <name>
    <given value="Ada"><extension url="urn:f"><valueString value="nick"/></extension></given><given value="B"/>
  </name>
  <name><given><extension url="urn:g"><valueInteger value="3"/></extension></given></name>
  <birthDate value="1990-01-01"><extension url="urn:t"><valueTime value="10:00:00"/></extension></birthDate>
</Patient>"""


def test_xml_becomes_json_and_comes_back() -> None:
    """Every kind of element arrives in JSON as R4 writes it, and goes back to the same XML."""
    read = json.loads(xml.read(PATIENT.encode()))
    assert b'"valueDecimal":1.50' in xml.read(PATIENT.encode())
    assert read["text"]["div"].endswith("<p>Ada &amp; <b>co</b></p></div>")
    assert read["contained"] == [{"resourceType": "Organization", "id": "o", "name": "Öst <1>"}]
    assert read["name"][0]["_given"] == [{"extension": [{"url": "urn:f", "valueString": "nick"}]}, None]
    assert read["name"][1] == {"_given": [{"extension": [{"url": "urn:g", "valueInteger": 3}]}]}
    assert read["identifier"] == [{"id": "i1", "system": "urn:x", "value": 'A "1"'}]
    assert read["_birthDate"]["extension"][0]["valueTime"] == "10:00:00"
    assert json.loads(xml.read(xml.write(xml.read(PATIENT.encode()), pretty=True)))["name"] == read["name"]
    assert xml.read(xml.write(xml.read(PATIENT.encode()))) == xml.read(PATIENT.encode())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<Patient", "no XML"),
        ("", "no XML"),
        ('<Patient xmlns="urn:other"/>', "namespace"),
        ('<Spaceship xmlns="http://hl7.org/fhir"/>', "no resource type"),
        ('<Patient xmlns="http://hl7.org/fhir"><wings value="2"/></Patient>', "no element wings"),
        ('<Patient xmlns="http://hl7.org/fhir" wings="2"/>', "no attribute wings"),
        ('<Patient xmlns="http://hl7.org/fhir"><active value="true"/><active value="true"/></Patient>', "twice"),
        ('<Patient xmlns="http://hl7.org/fhir"><contained/></Patient>', "one resource"),
        ('<!DOCTYPE Patient><Patient xmlns="http://hl7.org/fhir"/>', "document type"),
        (
            '<!DOCTYPE x [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"><id value="&a;"/></Patient>',
            "document type",
        ),
        ('<Patient xmlns="http://hl7.org/fhir"><id value="&a;"/></Patient>', "no XML"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    """Broken, foreign and dangerous XML is refused with a reason."""
    with pytest.raises(Malformed, match=told):
        xml.read(text.encode())


def test_narratives_that_are_no_xhtml() -> None:
    """A narrative that XML could not hold as it is becomes text; characters that XML has no place for are replaced."""
    for div in ("plain & simple", "<div>no namespace</div>", '<div xmlns="http://www.w3.org/1999/xhtml">&nbsp;</div>'):
        document = json.dumps({"resourceType": "Basic", "text": {"status": "empty", "div": div}}).encode()
        back = json.loads(xml.read(xml.write(document)))
        assert back["text"]["div"].startswith('<div xmlns="http://www.w3.org/1999/xhtml">')
    odd = json.dumps({"resourceType": "Basic", "language": "a\u0001b\n"}).encode()
    assert "language" in json.loads(xml.read(xml.write(odd)))


def test_narratives_in_other_encodings_and_prefixes() -> None:
    """A narrative is found in any encoding and under any prefix."""
    for raw in (
        PATIENT.replace("UTF-8", "UTF-16").encode("utf-16"),
        PATIENT.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        PATIENT.replace("<div xmlns=", "<h:div xmlns:h=").replace("</div>", "</h:div>").encode(),
    ):
        assert "Ada" in json.loads(xml.read(raw))["text"]["div"]


def test_a_record_goes_in_and_out_as_xml(client: httpx.Client) -> None:
    """The same record is written and read in either format, errors and bundles too."""
    sent = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    made = client.put("/Patient/x1", content=PATIENT.encode(), headers=sent)
    assert (made.status_code, made.headers["content-type"]) == (201, "application/fhir+xml; charset=utf-8")
    assert json.loads(xml.read(made.content))["id"] == "x1"
    assert client.get("/Patient/x1").json()["extension"][0]["valueDecimal"] == 1.5
    found = client.get("/Patient?identifier=urn:x|A%20%221%22&_format=xml&_pretty=true")
    assert json.loads(xml.read(found.content))["entry"][0]["resource"]["name"][0]["given"] == ["Ada", "B"]
    assert found.content.count(b"\n") > 10
    missing = client.get("/Patient/none", headers={"Accept": "text/html, application/xml;q=0.9, */*;q=0.1"})
    assert (missing.status_code, json.loads(xml.read(missing.content))["issue"][0]["code"]) == (404, "not-found")
    wrong = client.post("/Patient", content=b"<Patient", headers=sent)
    assert wrong.status_code == 400
    assert b"OperationOutcome" in wrong.content
    assert client.post("/Patient", content=b"x", headers={"Content-Type": "image/png"} | sent).status_code == 400
    bundle = (
        '<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Basic><code><text value="c"/>'
        '</code></Basic></resource><request><method value="POST"/><url value="Basic"/></request></entry>'
        '<entry><request><method value="GET"/><url value="Patient/x1"/></request></entry></Bundle>'
    )
    done = json.loads(xml.read(client.post("/", content=bundle, headers=sent).content))
    assert [one["response"]["status"][:3] for one in done["entry"]] == ["201", "200"]
    assert done["entry"][1]["resource"]["id"] == "x1"
    assert (
        json.loads(xml.read(client.get("/metadata?_format=application/fhir%2Bxml").content))["fhirVersion"] == "4.0.1"
    )


def test_pretty_json(client: httpx.Client) -> None:
    """`_pretty` spreads the record out and keeps its digits; `_format=json` wins over Accept."""
    client.put("/Basic/b", content=b'{"resourceType":"Basic","id":"b","code":{"text":"c"},"x":1.50}')
    shown = client.get("/Basic/b?_pretty=true&_format=json", headers={"Accept": "application/fhir+xml"})
    assert b'\n  "x": 1.50' in shown.content
    assert client.head("/Basic/b?_pretty=true").status_code == 200
    gone = client.get("/Basic/none?_pretty=true")
    assert (gone.status_code, issue(gone)["code"]) == (404, "not-found")
