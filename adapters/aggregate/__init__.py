"""Aggregate values: ADX 2015, DHIS2 data value sets and FHIR MeasureReport, in and out.

One adapter for the three, because they say the same: which one a document is goes by its content type, and which one a
peer gets by its setting `content_type`.
"""

from adapters.aggregate import answers, inbound, outbound
from adapters.aggregate.face import FACE
from adapters.contract import Adapter

ADAPTER = Adapter(
    name="aggregate",
    content_types=("application/adx+xml", "application/json", "application/fhir+json", "application/xml", "text/csv"),
    identify=inbound.identify,
    parse=inbound.parse,
    read=inbound.read,
    answer=answers.answer,
    write=outbound.write,
    render=outbound.render,
    send=outbound.send,
    face=FACE,
)
