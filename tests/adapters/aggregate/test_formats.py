"""The three formats carry the same cells, out and back in."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.aggregate import ADAPTER
from adapters.contract import Envelope, Sender, View
from tracker_core import metadata
from tracker_core.aggregates import describing
from tracker_core.aggregates.describing import Cell
from tracker_core.aggregates.values import Key
from tracker_core.aggregates.vocabulary import DEFAULT
from tracker_core.context import Peer, User
from tracker_core.database import transaction
from tracker_core.errors import Unsupported

FORMATS = ("application/adx+xml", "application/json", "application/fhir+json")
USER = User("UserAAAAAAA", "tester")


def sender(content_type: str, **settings: Any) -> Sender:
    """A peer that takes a format."""
    peer = Peer(1, "ministry", "Ministry", "aggregate", None, {"content_type": content_type, **settings})
    return Sender(peer, datetime(2024, 4, 1, tzinfo=UTC))


def view(receiver: Any, values: list[tuple[str, str, str, str | None]]) -> View:
    """A submission of (org unit, data element, option combo, value) for March 2024."""
    with transaction(receiver.pool) as session:
        known = metadata.load(session)
        cells = [
            Cell(
                Key(
                    str(known.uid_of("dataElements", element)),
                    "202403",
                    known.org_units[str(known.uid_of("organisationUnits", unit))].pk,
                    known.uid_of("categoryOptionCombos", combo) or DEFAULT if combo != DEFAULT else DEFAULT,
                ),
                value,
            )
            for unit, element, combo, value in values
        ]
        described = describing.describe(known, cells)
        data_set = describing.name_of(known, "dataSets", str(known.uid_of("dataSets", "IDSR_M")))
    return View(
        "report", "report", values={"cells": described, "dataSet": data_set, "created": "2024-04-01T06:00:00.123+00:00"}
    )


VALUES: list[tuple[str, str, str, str | None]] = [
    ("F1", "MALARIA", "P0Y--P5Y, M", "3"),
    ("F1", "MALARIA", "P5Y--P9999Y, F", "0"),
    ("F1", "PNEUMONIA", "P0Y--P5Y, F", "12"),
    ("F2", "MALARIA", "default", "7"),
]


def render(receiver: Any, content_type: str, values: Any = None, **settings: Any) -> bytes:
    """Write a submission for a peer."""
    assert ADAPTER.write is not None
    assert ADAPTER.render is not None
    to = sender(content_type, **settings)
    return ADAPTER.render(ADAPTER.write(view(receiver, VALUES if values is None else values), to, "TH1"), to)


@pytest.mark.parametrize("content_type", FORMATS)
def test_what_goes_out_comes_back_in(receiver: Any, content_type: str) -> None:
    """Each format, written and imported, leaves exactly the cells of the submission; again changes nothing."""
    body = render(receiver, content_type)
    first = receiver.accept("aggregate", body, Envelope(content_type), USER)
    assert first.report.issues == []
    assert receiver.values() == {(e, "202403", u, c): v for u, e, c, v in VALUES}
    again = receiver.accept("aggregate", body, Envelope(content_type), USER)
    assert {outcome.action for outcome in again.report.outcomes} == {"unchanged"}


def test_all_formats_carry_the_same_cells(receiver: Any) -> None:
    """Read back, the three documents ask for the same changes, in the same order."""
    read = []
    for content_type in FORMATS:
        body = render(receiver, content_type, schemes={"idScheme": "CODE", "categoryOptionComboIdScheme": "UID"})
        envelope = Envelope(content_type)
        changes = ADAPTER.read(ADAPTER.parse(body, envelope), sender(content_type)).changes.aggregates
        read.append([(c.data_element, c.period, c.org_unit, c.value, c.data_set) for c in changes])
    assert read[0] == read[1] == read[2] == [(e, "202403", u, v, "IDSR_M") for u, e, _, v in VALUES]


@pytest.mark.parametrize(("content_type", "expected"), list(zip(FORMATS, ["0", None, "0"], strict=True)))
def test_a_deletion_goes_out_as_the_format_can_say_it(receiver: Any, content_type: str, expected: str | None) -> None:
    """JSON marks the value deleted; ADX and MeasureReport know no deletion and say 0."""
    body = render(receiver, content_type, [("F1", "MALARIA", "P0Y--P5Y, M", None)])
    (change,) = ADAPTER.read(ADAPTER.parse(body, Envelope(content_type)), sender(content_type)).changes.aggregates
    assert change.value == expected


def test_adx_is_written_strictly(receiver: Any) -> None:
    """Namespace, exported, ISO intervals, dimensions as attributes, decimals; groups by org unit."""
    root = etree.fromstring(render(receiver, FORMATS[0]))
    assert root.tag == "{urn:ihe:qrph:adx:2015}adx"
    assert root.get("exported") == "2024-04-01T06:00:00Z"
    first, second = root
    assert dict(first.attrib) == {"orgUnit": "F1", "period": "2024-03-01/P1M", "dataSet": "IDSR_M"}
    assert dict(first[0].attrib) == {"dataElement": "MALARIA", "ageGroup": "P0Y--P5Y", "sex": "M", "value": "3"}
    assert [len(first), len(second)] == [3, 1]


def test_adx_is_valid_against_the_published_schema(receiver: Any, corpora: Path) -> None:
    """The loose schema of the profile accepts what is written."""
    folder = corpora / "aggregate" / "adx" / "schema"
    source = (folder / "adx_loose.xsd").read_text("utf-8")
    common = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
        targetNamespace="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common">
        <xs:simpleType name="TimeRangeType"><xs:restriction base="xs:string">
        <xs:pattern value="[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8})?/P([0-9]+Y)?([0-9]+M)?([0-9]+D)?"/>
        </xs:restriction></xs:simpleType></xs:schema>"""

    class Common(etree.Resolver):
        """Answers for the one type that the schema takes from SDMX."""

        def resolve(self, system_url: str, public_id: str, context: Any) -> Any:
            return self.resolve_string(common, context)

    parser = etree.XMLParser()
    parser.resolvers.add(Common())
    tree = etree.fromstring(source.encode(), parser, base_url="urn:loose")
    for item in tree.iter("{http://www.w3.org/2001/XMLSchema}import"):
        item.set("schemaLocation", "urn:common")
    schema = etree.XMLSchema(tree)
    document = etree.fromstring(render(receiver, FORMATS[0]))
    assert schema.validate(document), schema.error_log
    document.attrib.pop("exported")
    assert not schema.validate(document)


def test_a_measure_report_has_one_stratum_per_cell(receiver: Any) -> None:
    """Age and sex are components of one stratum; the subject is a Location by identifier; dates are inclusive."""
    bundle = json.loads(render(receiver, FORMATS[2]))
    report = bundle["entry"][0]["resource"]
    assert (report["type"], report["measure"]) == ("summary", "urn:dhis2:dataSets:IDSR_M")
    assert report["period"] == {"start": "2024-03-01", "end": "2024-03-31"}
    assert report["subject"]["identifier"] == {"system": "urn:dhis2:organisationUnits:CODE", "value": "F1"}
    malaria = report["group"][0]
    assert malaria["population"][0]["count"] == 3
    stratum = malaria["stratifier"][0]["stratum"][0]
    parts = [(c["code"]["coding"][0]["code"], c["value"]["coding"][0]["code"]) for c in stratum["component"]]
    assert (parts, stratum["measureScore"]) == ([("ageGroup", "P0Y--P5Y"), ("sex", "M")], {"value": 3})
    assert bundle["entry"][1]["resource"]["group"][0]["measureScore"] == {"value": 7}


@pytest.mark.parametrize("content_type", [*FORMATS[:1], FORMATS[2]])
def test_what_a_format_cannot_say_is_refused(receiver: Any, content_type: str) -> None:
    """A name that is missing under the scheme is an error that names the object, never an empty attribute."""
    with pytest.raises(Unsupported, match="ATTRIBUTE:x"):
        render(receiver, content_type, schemes={"orgUnitIdScheme": "attribute:x"})


def test_foreign_views_and_content_types_are_refused(receiver: Any) -> None:
    """Persons are no aggregate values, and only the three formats are written."""
    assert ADAPTER.write is not None
    with pytest.raises(Unsupported, match="person"):
        ADAPTER.write(View("person", "x"), sender(FORMATS[0]), "1")
    with pytest.raises(Unsupported, match="text/plain"):
        render(receiver, "text/plain")
    with pytest.raises(Unsupported, match="at least one"):
        render(receiver, FORMATS[0], [])
