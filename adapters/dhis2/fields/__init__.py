"""The field filter language (Web API 2.42, "Field filter language"): `id,programStages[id,name~rename(label)]`.

`parse_fields` reads a text once; `select` answers it from plain documents, as tracker objects and settings are.
Metadata objects, whose references lead on to other objects, are answered by `adapters.dhis2.objects`.
"""

from adapters.dhis2.fields.language import Field, Fields, Transformer, parse_fields
from adapters.dhis2.fields.selecting import ALL, IDENTIFIABLE, NAMEABLE, STORED, select, wants
from adapters.dhis2.fields.transforms import transformed

__all__ = [
    "ALL",
    "IDENTIFIABLE",
    "NAMEABLE",
    "STORED",
    "Field",
    "Fields",
    "Transformer",
    "parse_fields",
    "select",
    "transformed",
    "wants",
]
