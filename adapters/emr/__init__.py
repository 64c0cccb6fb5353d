"""EMR files: flat rows of visits with ICD-10 codes, in and out in one shape."""

from adapters.contract import Adapter
from adapters.emr import export, pulling, results, transport, upload, visits
from adapters.emr.http import FACE

ADAPTER = Adapter(
    name="emr",
    content_types=("text/csv", "text/tab-separated-values", "application/x-ndjson"),
    identify=upload.identify,
    parse=upload.parse,
    read=visits.read,
    answer=results.answer,
    write=export.write,
    render=export.render,
    send=transport.send,
    pull=pulling.pull,
    face=FACE,
)
