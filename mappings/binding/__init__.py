"""Program bindings: what ties the records of a person, an enrolment or an event to a program, both ways."""

from mappings.binding.cases import Verdict, classify, find_case, refuted
from mappings.binding.defaults import default_text
from mappings.binding.definitions import Case, Circumstances
from mappings.binding.events import Edit, EventReading, read_event, select_stages, write_event
from mappings.binding.grammar import Binding, Stage, parse_binding
from mappings.binding.persons import read_person, write_person

__all__ = [
    "Binding",
    "Case",
    "Circumstances",
    "Edit",
    "EventReading",
    "Stage",
    "Verdict",
    "classify",
    "default_text",
    "find_case",
    "parse_binding",
    "read_event",
    "read_person",
    "refuted",
    "select_stages",
    "write_event",
    "write_person",
]
