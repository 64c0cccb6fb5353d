"""The formats this hub speaks: one line each."""

from adapters.aggregate import ADAPTER as AGGREGATE
from adapters.contract import Adapter
from adapters.dhis2 import ADAPTER as DHIS2
from adapters.emr import ADAPTER as EMR
from adapters.fhir import ADAPTER as FHIR
from adapters.sms import ADAPTER as SMS

ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (FHIR, DHIS2, EMR, AGGREGATE, SMS)}
