"""The names and forms that reading and writing XML share."""

import re

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
# Only what JSON can hold as a number, too.
NUMBERS = {
    "integer": _WHOLE,
    "positiveInt": _WHOLE,
    "unsignedInt": _WHOLE,
    "decimal": re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?"),
}
