"""Operations of Structured Data Capture: `Questionnaire/$populate` and `QuestionnaireResponse/$extract`."""

from adapters.fhir.forms.http import OPERATIONS, routes

__all__ = ["OPERATIONS", "routes"]
