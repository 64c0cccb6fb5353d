"""FHIRPath 2.0 over parsed FHIR documents: compiled once to closures, evaluated many times (HL7 FHIRPath N1).

    passed = fhirpath.compiled("value.exists() or dataAbsentReason.exists()").holds(document)

Functions that are not there raise `Misread` when they are compiled: `subsumes`, `slice` and others.
"""

from tracker_core.fhirpath.context import Context, Failed, TooLong
from tracker_core.fhirpath.expression import Expression, compiled
from tracker_core.fhirpath.nodes import Node, Value, plain
from tracker_core.fhirpath.syntax import Misread

__all__ = ["Context", "Expression", "Failed", "Misread", "Node", "TooLong", "Value", "compiled", "plain"]
