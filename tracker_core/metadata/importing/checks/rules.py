"""Program rules, their actions and variables: that they say what they need."""

from collections.abc import Iterator

from tracker_core.issues import Issue
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Prospect

# Action type -> (property, collection, code when it is missing, code when it names nothing).
_NEEDS = {
    "HIDESECTION": ("programStageSection", "programStageSections", "E4036", "E4037"),
    "HIDEPROGRAMSTAGE": ("programStage", "programStages", "E4038", "E4039"),
    "CREATEEVENT": ("programStage", "programStages", "E4038", "E4039"),
    "SCHEDULEEVENT": ("programStage", "programStages", "E4038", "E4039"),
    "HIDEOPTION": ("option", "options", "E4040", "E4041"),
    "SHOWOPTIONGROUP": ("optionGroup", "optionGroups", "E4042", "E4043"),
    "HIDEOPTIONGROUP": ("optionGroup", "optionGroups", "E4042", "E4043"),
}
_ON_FIELDS = ("HIDEFIELD", "SETMANDATORYFIELD", "HIDEOPTION", "SHOWOPTIONGROUP", "HIDEOPTIONGROUP")
_MESSAGES = ("SENDMESSAGE", "SCHEDULEMESSAGE")
_STAGED = "DATAELEMENT_NEWEST_EVENT_PROGRAM_STAGE"
_KEYWORDS = ("and", "or", "not")


def actions(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4033 … E4050 for an action that lacks what its type is about."""
    for item in prospect.of("programRuleActions"):
        if item.implied:
            continue
        type, rule = str(item.doc.get("programRuleActionType")), _rule(prospect, item)
        if type in _NEEDS:
            yield from _needs(prospect, item, rule, *_NEEDS[type])
        if type in _MESSAGES:
            yield from _template(prospect, item, rule)
        if type in _ON_FIELDS:
            yield from _field(prospect, item, rule)
        if type == "ASSIGN" and not _named_field(item) and not item.doc.get("content"):
            yield item.fault("E4050", rule)
        if not prospect.has("programRules", reference(item.doc.get("programRule"))) and not _listed(prospect, item):
            yield item.fault("E4033", type, rule)


def _rule(prospect: Prospect, item: Incoming) -> str:
    found = prospect.find("programRules", reference(item.doc.get("programRule")))
    return str((found or {}).get("name") or reference(item.doc.get("programRule")))


def _listed(prospect: Prospect, item: Incoming) -> bool:
    rules = prospect.of("programRules")
    stored = reference((item.stored or {}).get("programRule"))
    return bool(stored) or any(item.uid in map(reference, rule.doc.get("programRuleActions") or ()) for rule in rules)


def _needs(
    prospect: Prospect, item: Incoming, rule: str, name: str, collection: str, missing: str, unknown: str
) -> Iterator[Issue]:
    uid = reference(item.doc.get(name))
    if not uid:
        yield item.fault(missing, rule)
    elif not prospect.has(collection, uid):
        yield item.fault(unknown, uid, rule)


def _template(prospect: Prospect, item: Incoming, rule: str) -> Iterator[Issue]:
    uid = str(item.doc.get("templateUid") or reference(item.doc.get("notificationTemplate")))
    if not uid:
        yield item.fault("E4035", rule)
    elif not prospect.has("programNotificationTemplates", uid):
        yield item.fault("E4034", uid, rule)


def _named_field(item: Incoming) -> bool:
    return any(reference(item.doc.get(name)) for name in ("dataElement", "trackedEntityAttribute"))


def _field(prospect: Prospect, item: Incoming, rule: str) -> Iterator[Issue]:
    element = reference(item.doc.get("dataElement"))
    attribute = reference(item.doc.get("trackedEntityAttribute"))
    if not element and not attribute:
        yield item.fault("E4044", rule)
    if element and not prospect.has("dataElements", element):
        yield item.fault("E4045", element, rule)
    if attribute and not prospect.has("trackedEntityAttributes", attribute):
        yield item.fault("E4046", attribute, rule)


def variables(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4051 (a name that is taken), E4052 (keywords), E4089, E4091 (what a source needs)."""
    owners = _names(prospect, "programRuleVariables")
    for item in prospect.of("programRuleVariables"):
        if item.implied:
            continue
        name, program = str(item.doc.get("name") or ""), reference(item.doc.get("program"))
        if owners.get((program, name), item.uid) != item.uid:
            yield item.fault("E4051", name, program)
        if any(word in _KEYWORDS for word in name.casefold().split()):
            yield item.fault("E4052", name)
        yield from _source(item, name)


def _source(item: Incoming, name: str) -> Iterator[Issue]:
    source = str(item.doc.get("programRuleVariableSourceType") or "")
    if source == "TEI_ATTRIBUTE" and not reference(item.doc.get("trackedEntityAttribute")):
        yield item.fault("E4089", name, source)
    if source == _STAGED and not reference(item.doc.get("programStage")):
        yield item.fault("E4091", name, source)


def rules(prospect: Prospect) -> Iterator[Issue]:
    """Yield E4057 for a rule that is named as a stored one of its program. Within one payload names may repeat."""
    owners = _names(prospect, "programRules")
    for item in prospect.of("programRules"):
        name, program = str(item.doc.get("name") or ""), reference(item.doc.get("program"))
        if not item.implied and owners.get((program, name), item.uid) != item.uid:
            yield item.fault("E4057", name, program)


def _names(prospect: Prospect, collection: str) -> dict[tuple[str, str], str]:
    """Map (program, name) to the uid of each stored object that the payload does not bring anew."""
    moving = {item.uid for item in prospect.of(collection)}
    stored = prospect.known.objects.get(collection, {}).values()
    return {(reference(o.doc.get("program")), o.name): o.uid for o in stored if o.uid not in moving}
