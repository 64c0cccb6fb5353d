"""The formats this hub speaks, one line each, and a process that speaks them as it was told to."""

from adapters.aggregate import ADAPTER as AGGREGATE
from adapters.contract import Adapter
from adapters.dhis2 import ADAPTER as DHIS2
from adapters.emr import ADAPTER as EMR
from adapters.fhir import ADAPTER as FHIR
from adapters.fhir.subscriptions.sending import Post, Ways
from adapters.fhir.subscriptions.sending import adapter as subscribers
from adapters.hl7v2 import ADAPTER as HL7V2
from adapters.openmrs import ADAPTER as OPENMRS
from adapters.outside import Outside
from adapters.sms import ADAPTER as SMS
from hub.runtime import Runtime
from hub.settings import Settings, files_folder
from tracker_core.database import Pool

# Aggregate comes before DHIS2: the first face whose prefix fits answers, and /api/dataValueSets lies below /api.
ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter for adapter in (FHIR, HL7V2, AGGREGATE, DHIS2, EMR, OPENMRS, SMS, subscribers(Ways()))
}


def adapters(ways: Ways) -> dict[str, Adapter]:
    """Return the formats, with subscribers told of news in these ways."""
    told = subscribers(ways)
    return {**ADAPTERS, told.name: told}


def ways_of(settings: Settings) -> Ways:
    """Return how notices leave a hub with these settings."""
    host, _, port = (settings.smtp or "").rpartition(":")
    post = Post(host, int(port), settings.mail_from) if host else Post()
    base = settings.public_url or f"http://{settings.http}"
    return Ways(outside_of(settings), f"{base}/fhir", post)


def outside_of(settings: Settings) -> Outside:
    """Return where requests that others asked for may go."""
    return Outside(settings.outside_networks, settings.outside_ports)


def runtime_of(settings: Settings, pool: Pool) -> Runtime:
    """Return what a process holds that was told these settings."""
    return Runtime(
        pool,
        adapters(ways_of(settings)),
        files=files_folder(settings),
        outside=outside_of(settings),
        audit_days=settings.audit_days,
    )
