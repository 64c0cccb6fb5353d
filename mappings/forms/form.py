"""The form of a program stage: its data elements as questions, in their sections, after the day of the visit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mappings.forms.answers import Field
from tracker_core.metadata import Attribute, DataElement, Metadata, Object, Program, Stage
from tracker_core.metadata.compiling import reference

STAGE = "urn:tracker-hub:program-stage:"
OCCURRED = "occurredAt"


@dataclass(frozen=True)
class Form:
    """A form. `fields` are by linkId in their order; `sections` are (linkId, title) of the groups they stand in."""

    stage: Stage
    program: Program
    fields: Mapping[str, Field]
    sections: Sequence[tuple[str, str]]

    @property
    def url(self) -> str:
        """The canonical of its Questionnaire."""
        return STAGE + self.stage.uid

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The place of every linkId, sections included."""
        links: dict[str, None] = {}
        for field in self.fields.values():
            if field.section:
                links.setdefault(field.section)
            links.setdefault(field.link)
        return {link: number for number, link in enumerate(links)}


def stage_of(questionnaire: str) -> str:
    """Return the uid of the stage whose form a response names, by canonical or as `…/Questionnaire/uid`."""
    canonical = questionnaire.partition("|")[0]
    if canonical.startswith(STAGE):
        return canonical.removeprefix(STAGE)
    return canonical.rpartition("Questionnaire/")[2] if "Questionnaire/" in canonical else ""


def make_form(known: Metadata, stage: Stage) -> Form:
    """Return the form of a stage; data elements that no section lists come last."""
    sections = _sections(known, stage)
    of = {element: section.uid for section in sections for element in _elements(section)}
    places = {section.uid: number for number, section in enumerate(sections)}
    inside = {element: number for section in sections for number, element in enumerate(_elements(section))}
    occurred = Field(OCCURRED, _label(known, stage), "DATETIME")
    fields = [
        question(known, bond.element, required=bond.compulsory, section=of.get(uid, ""))
        for uid, bond in stage.elements.items()
    ]
    fields.sort(key=lambda one: (places.get(one.section, len(places)), inside.get(one.link, 0)))
    return Form(
        stage,
        known.programs[stage.program],
        {one.link: one for one in (occurred, *fields)},
        [(section.uid, section.name) for section in sections],
    )


def question(known: Metadata, of: DataElement | Attribute, *, required: bool, section: str = "") -> Field:
    """Return the question that a data element or attribute is; it is worded as the metadata word it on forms."""
    collection = "dataElements" if isinstance(of, DataElement) else "trackedEntityAttributes"
    held = known.get(collection, of.uid)
    text = str((held.doc.get("formName") if held else "") or of.name)
    uid, options = (of.option_set.uid, of.option_set.options) if of.option_set else ("", {})
    return Field(of.uid, text, of.value_type, required, uid, options, section)


def _sections(known: Metadata, stage: Stage) -> list[Object]:
    held = known.get("programStages", stage.uid)
    listed = {reference(one) for one in (held.doc.get("programStageSections") or () if held else ())}
    found = [
        one
        for one in known.objects.get("programStageSections", {}).values()
        if one.uid in listed or reference(one.doc.get("programStage")) == stage.uid
    ]
    return sorted(found, key=lambda one: (int(one.doc.get("sortOrder") or 0), one.uid))


def _elements(section: Object) -> Iterable[str]:
    return map(reference, section.doc.get("dataElements") or ())


def _label(known: Metadata, stage: Stage) -> str:
    held = known.get("programStages", stage.uid)
    return str((held.doc.get("executionDateLabel") if held else "") or "Date")
