"""Program stages as forms: a Questionnaire each, and their events as QuestionnaireResponses, both ways."""

from mappings.forms.answers import Field
from mappings.forms.form import OCCURRED, Form, make_form, stage_of
from mappings.forms.responses import Reading, read_response, write_response

__all__ = [
    "OCCURRED",
    "Field",
    "Form",
    "Reading",
    "make_form",
    "read_response",
    "stage_of",
    "write_response",
]
