"""What an export is asked for: values that cannot be read and what is not offered are refused by their names."""

import pytest

from adapters.fhir.bulk import asking, inputs
from tracker_core.errors import Malformed


@pytest.mark.parametrize(
    ("level", "parameters", "text"),
    [
        ("system", {"_outputFormat": "text/csv"}, "application/fhir+ndjson"),
        ("system", {"_type": "Nothing"}, "no resource type 'Nothing'"),
        ("system", {"_since": "yesterday"}, "_since is an instant"),
        ("system", {"_until": "2026-13-01"}, "_until is an instant"),
        ("system", {"_typeFilter": "status=final"}, "_typeFilter is a search on a type"),
        ("system", {"_typeFilter": "Observation?nothing=1"}, "no search parameter nothing"),
        ("system", {"_typeFilter": "Observation?_include=*"}, "_include has no place"),
        ("system", {"_type": "Patient", "_typeFilter": "Observation?code=1"}, "_type leaves out"),
        ("system", {"_elements": "Patient.nothing"}, "no element 'nothing'"),
        ("system", {"_elements": "Nothing.name"}, "no resource type"),
        ("system", {"includeAssociatedData": "LatestProvenanceResources"}, "does not offer includeAssociatedData"),
        ("system", {"patient": "Patient/ada"}, "for Patient/$export and Group/[id]/$export alone"),
        ("patient", {"patient": "Group/half"}, "no reference to a Patient"),
    ],
)
def test_refusals(level: str, parameters: dict[str, str], text: str) -> None:
    """Each is refused with what is wrong."""
    with pytest.raises(Malformed) as refused:
        asking.read(level, "", list(parameters.items()), lenient=False)
    assert text in refused.value.detail


def test_elements_of_a_type() -> None:
    """Elements without a type are of every type, others of theirs alone."""
    names = ["id", "Patient.name.family", "Observation.value"]
    assert asking.shown_elements(names, "Patient") == "id,name"
    assert asking.shown_elements(names, "Group") == "id"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"[", "no JSON"),
        (b"[]", "an object"),
        (b"{}", "at least one input"),
        (b'{"inputFormat":"text/csv"}', "text/csv"),
        (b'{"storageDetail":{"type":"aws-s3"}}', "aws-s3"),
        (b'{"input":[{"type":"Nothing","url":"http://x"}]}', "no resource type"),
        (b'{"input":["x"]}', "a type and a url"),
        (b'{"other":1}', "does not offer other"),
        (b'{"resourceType":"Parameters","parameter":[1]}', "list of objects"),
    ],
)
def test_manifests_that_are_refused(body: bytes, text: str) -> None:
    """A manifest of an import that cannot be followed is refused with what is wrong."""
    with pytest.raises(Malformed) as refused:
        inputs.read_manifest(body, lenient=False)
    assert text in refused.value.detail
