"""The formats this hub speaks: one line each."""

from adapters.aggregate import ADAPTER as AGGREGATE
from adapters.contract import Adapter
from adapters.dhis2 import ADAPTER as DHIS2
from adapters.emr import ADAPTER as EMR
from adapters.fhir import ADAPTER as FHIR
from adapters.hl7v2 import ADAPTER as HL7V2
from adapters.sms import ADAPTER as SMS

# Aggregate comes before DHIS2: the first face whose prefix fits answers, and /api/dataValueSets lies below /api.
ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (FHIR, HL7V2, AGGREGATE, DHIS2, EMR, SMS)}
