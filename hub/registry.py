"""The formats this hub speaks: one line each."""

from adapters.contract import Adapter
from adapters.fhir import ADAPTER as FHIR
from adapters.sms import ADAPTER as SMS

ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (FHIR, SMS)}
