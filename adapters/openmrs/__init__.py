"""OpenMRS by its REST API: patients, encounters, diagnoses and obs, read by its change feed and written back."""

from adapters.contract import Adapter
from adapters.openmrs import feeds, inbound, sending, writing

ADAPTER = Adapter(
    name="openmrs",
    content_types=("application/json",),
    identify=inbound.identify,
    parse=inbound.parse,
    read=inbound.read,
    answer=inbound.answer,
    write=writing.write,
    render=writing.render,
    send=sending.send,
    pull=feeds.pull,
)
