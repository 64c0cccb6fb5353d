"""What Capture and the Android app ask when they start, as their references list it (`{…}` are the district's)."""

from dataclasses import dataclass

from tests.contracts.dhis2 import district

# Labels that nobody gave the district's programs and stages, so that they may be missing in an answer.
_PROGRAM_LABELS = (
    "displayIncidentDateLabel displayEnrollmentDateLabel displayEnrollmentLabel displayEnrollmentsLabel"
    " displayFollowUpLabel displayOrgUnitLabel displayRelationshipLabel displayNoteLabel"
    " displayTrackedEntityAttributeLabel displayProgramStageLabel displayProgramStagesLabel displayEventLabel"
    " displayEventsLabel"
).split()
_STAGE_LABELS = (
    "displayExecutionDateLabel displayDueDateLabel displayProgramStageLabel displayEventLabel displayEventsLabel"
).split()

ME = (
    "id,firstName,surname,userRoles[id],userGroups[id],organisationUnits[id,path],"
    "teiSearchOrganisationUnits[id,path],settings"
)
PROGRAM_OUTLINE = (
    "id,version,programTrackedEntityAttributes[trackedEntityAttribute[id,optionSet[id,version]]],"
    "programStages[id,programStageDataElements[dataElement[id,optionSet[id,version]]]]"
)
PROGRAMS = (
    "id,displayName,displayShortName,programType,style,displayFrontPageList,displayIncidentDateLabel,"
    "displayEnrollmentDateLabel,displayEnrollmentLabel,displayEnrollmentsLabel,displayFollowUpLabel,"
    "displayOrgUnitLabel,displayRelationshipLabel,displayNoteLabel,displayTrackedEntityAttributeLabel,displayProgramStageLabel,"
    "displayProgramStagesLabel,displayEventLabel,displayEventsLabel,minAttributesRequiredToSearch,"
    "useFirstStageDuringRegistration,onlyEnrollOnce,featureType,selectEnrollmentDatesInFuture,"
    "selectIncidentDatesInFuture,accessLevel,expiryPeriodType,expiryDays,completeEventsExpiryDays,"
    "dataEntryForm[id,htmlCode],displayIncidentDate,access[data[read,write]],trackedEntityType[id],"
    "categoryCombo[id,displayName,isDefault,categories[id,displayName]],programStages[id,access,autoGenerateEvent,"
    "openAfterEnrollment,hideDueDate,allowGenerateNextVisit,remindCompleted,repeatable,generatedByEnrollmentDate,"
    "reportDateToUse,blockEntryForm,minDaysFromStart,name,displayName,description,displayExecutionDateLabel,"
    "displayDueDateLabel,displayProgramStageLabel,displayEventLabel,displayEventsLabel,formType,featureType,"
    "validationStrategy,enableUserAssignment,style,dataEntryForm[id,htmlCode],programStageSections[id,displayName,"
    "displayDescription,sortOrder,dataElements[id]],programStageDataElements[compulsory,displayInReports,"
    "renderOptionsAsRadio,allowFutureDate,renderType[*],dataElement[id]]],programSections[id, displayDescription,"
    " displayFormName, sortOrder, trackedEntityAttributes],programTrackedEntityAttributes[trackedEntityAttribute[id],"
    "displayInList,searchable,mandatory,renderOptionsAsRadio,allowFutureDate]"
)
RULE_VARIABLES = (
    "id,displayName,programRuleVariableSourceType,valueType,program[id],programStage[id],dataElement[id],"
    "trackedEntityAttribute[id],useCodeForOptionSet"
)
RULES = (
    "id,displayName,condition,program[id],programStage[id],priority,programRuleActions[id,content,displayContent,"
    "location,data,priority,programRuleActionType,programStageSection[id],dataElement[id],trackedEntityAttribute[id],"
    "programStage[id],optionGroup[id],option[id],legendSet[id]]"
)
RELATIONSHIP_TYPES = (
    "id,displayName,bidirectional,fromToName,toFromName,fromConstraint[relationshipEntity,trackerDataView,"
    "trackedEntityType[id,name],program[id,name],programStage[id,name,program[id]]],toConstraint[relationshipEntity,"
    "trackerDataView,trackedEntityType[id,name],program[id,name],programStage[id,name,program[id]]],"
    "access[data[read,write]]"
)
TYPES = (
    "id,access,displayName,displayTrackedEntityTypesLabel,minAttributesRequiredToSearch,featureType,"
    "trackedEntityTypeAttributes[trackedEntityAttribute[id],displayInList,mandatory,searchable],"
    "translations[property,locale,value]"
)
TYPE_OUTLINE = "id, trackedEntityTypeAttributes[trackedEntityAttribute[optionSet[id,version]]]"
ATTRIBUTES = (
    "id,displayName,displayShortName,displayFormName,description,valueType,optionSetValue,unique,orgunitScope,pattern,"
    "code,attributeValues,inherit,translations[property,locale,value],optionSet[id],minCharactersToSearch,"
    "preferredSearchOperator,blockedSearchOperators"
)
ELEMENTS = (
    "id,displayName,code,displayShortName,displayFormName,valueType,translations[*],description,url,optionSetValue,"
    "style,optionSet[id]"
)
OPTION_SETS = (
    "id,displayName,code,attributeValues,version,valueType,"
    "options[id,displayName,attributeValues,code,style, translations]"
)
CATEGORY_OPTIONS = "id,displayName,categories~pluck,organisationUnits~pluck,access[data[write]]"
UNIT = "id, displayName~rename(name), path"

_PROGRAM_IDS = f"[{district.PROGRAM},{district.EVENTS}]"
_PROGRAM = f"filter=program.id:in:{_PROGRAM_IDS}"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: its address below `/api/42/`, the list in the answer with at least `least` items.

    `fields` must be in each item, but for the paths in `absent`, which the district's objects have not.
    """

    path: str
    query: str = ""
    items: str = ""
    fields: str = ""
    absent: tuple[str, ...] = ()
    least: int = 1

    @property
    def address(self) -> str:
        """Path and query, with the fields."""
        query = "&".join(part for part in (f"fields={self.fields}" if self.fields else "", self.query) if part)
        return f"{self.path}?{query}" if query else self.path


CAPTURE = (
    Ask("programs", "pageSize=1000&page=1", "programs", PROGRAM_OUTLINE,
        ("programTrackedEntityAttributes.trackedEntityAttribute.optionSet",
         "programStages.programStageDataElements.dataElement.optionSet"), 2),
    Ask("programs", f"filter=id:in:{_PROGRAM_IDS}&pageSize=2", "programs", PROGRAMS, (
        *_PROGRAM_LABELS, "style", "dataEntryForm", "trackedEntityType", "expiryPeriodType", "featureType",
        "displayIncidentDate", *(f"programStages.{name}" for name in (
            *_STAGE_LABELS, "description", "style", "dataEntryForm", "reportDateToUse",
            "programStageDataElements.renderType"))), 2),
    Ask("programRuleVariables", f"{_PROGRAM}&pageSize=500&page=1", "programRuleVariables", RULE_VARIABLES,
        ("valueType", "programStage", "trackedEntityAttribute")),
    Ask("programIndicators", f"filter=displayInForm:eq:true&{_PROGRAM}&pageSize=500&page=1", "programIndicators",
        "id,name,displayName,style,expression,description,filter,program[id]", least=0),
    Ask("programRules", f"{_PROGRAM}&pageSize=500&page=1", "programRules", RULES, (
        "programStage",
        *(f"programRuleActions.{name}" for name in (
            "location", "priority", "programStageSection", "trackedEntityAttribute", "programStage", "optionGroup",
            "option", "legendSet")))),
    Ask("constants", "pageSize=500&page=1", "constants", "id,displayName,value", least=0),
    Ask("organisationUnitLevels", "filter=level:gt:1&pageSize=500&page=1", "organisationUnitLevels",
        "id,displayName,level", least=0),
    Ask("relationshipTypes", "pageSize=500&page=1", "relationshipTypes", RELATIONSHIP_TYPES, (
        "toFromName", "toConstraint.trackedEntityType",
        *(f"{side}.{name}" for side in ("fromConstraint", "toConstraint") for name in (
            "trackerDataView", "program", "programStage"))), 2),
    Ask("organisationUnitGroups", "pageSize=100&page=1", "organisationUnitGroups",
        "id,name,code,organisationUnits[id]", least=0),
    Ask("trackedEntityTypes", f"filter=id:in:[{district.TYPE}]&pageSize=1", "trackedEntityTypes", TYPES,
        ("displayTrackedEntityTypesLabel",)),
    Ask("trackedEntityTypes", "pageSize=1000&page=1", "trackedEntityTypes", TYPE_OUTLINE,
        ("trackedEntityTypeAttributes.trackedEntityAttribute.optionSet",)),
    Ask("trackedEntityAttributes", f"filter=id:in:[{district.UNIQUE},{district.FIRST},{district.LAST}]&pageSize=3",
        "trackedEntityAttributes", ATTRIBUTES,
        ("description", "pattern", "optionSet", "minCharactersToSearch", "preferredSearchOperator"), 3),
    Ask("dataElements", f"filter=id:in:[{district.WEIGHT},{district.VACCINE_GIVEN}]&pageSize=2", "dataElements",
        ELEMENTS, ("description", "url", "style", "optionSet"), 2),
    Ask("optionSets", f"filter=id:in:[{district.OPTIONS}]&pageSize=1", "optionSets", OPTION_SETS, ("options.style",)),
    Ask("optionGroups", f"filter=optionSet.id:in:[{district.OPTIONS}]&page=1&pageSize=1000", "optionGroups",
        "id,displayName,options[id],optionSet[id]", least=0),
    Ask("optionGroups", "filter=optionSet.id:in:[]", "optionGroups", "id,optionSet,options", least=0),
    Ask("categoryOptions",
        "filter=categories.id:in:[GLevLNI9wkl]&filter=access.data.read:in:[true]&page=1&pageSize=5000",
        "categoryOptions", CATEGORY_OPTIONS),
    Ask("organisationUnits", "withinUserHierarchy=true&pageSize=2", "organisationUnits", UNIT),
)  # fmt: skip

_NAMES = "id,code,name,displayName,created,lastUpdated"
_NAMED = f"{_NAMES},shortName,displayShortName,description,displayDescription"
_PLAIN = ("description", "displayDescription")

ANDROID = (
    Ask("constants", "paging=false", "constants", f"{_NAMES},value", least=0),
    Ask("categoryCombos", "filter=name:eq:default&paging=false", "categoryCombos",
        f"{_NAMES},isDefault,categories[id]"),
    Ask("organisationUnits", f"filter=path:like:/{district.ROOT}&order=level:asc&page=1&pageSize=100",
        "organisationUnits", f"{_NAMED},path,openingDate,closedDate,level,parent[id],programs[id],dataSets[id]",
        (*_PLAIN, "closedDate", "parent"), 3),
    Ask("organisationUnitLevels", "paging=false", "organisationUnitLevels", f"{_NAMES},level", least=0),
    Ask("programs", "filter=access.data.read:eq:true&paging=false", "programs",
        f"{_NAMED},version,programType,registration,trackedEntityType[id],categoryCombo[id],accessLevel,"
        "access[data[read,write]],organisationUnits[id]", ("code", *_PLAIN, "trackedEntityType"), 2),
    Ask("programStages", f"filter=program.id:in:{_PROGRAM_IDS}&paging=false", "programStages",
        f"{_NAMED},repeatable,sortOrder,program[id],formType", ("code", *_PLAIN), 3),
    Ask("trackedEntityTypes", f"filter=id:in:[{district.TYPE}]&paging=false", "trackedEntityTypes",
        f"{_NAMED},featureType", ("code", *_PLAIN)),
    Ask("trackedEntityAttributes", f"filter=id:in:[{district.UNIQUE}]&paging=false", "trackedEntityAttributes",
        f"{_NAMED},valueType,unique,generated,pattern", _PLAIN),
    Ask("programRules", f"{_PROGRAM}&paging=false", "programRules",
        f"{_NAMES},priority,condition,program[id]", ("code",)),
    Ask("relationshipTypes", "filter=access.data.read:eq:true&paging=false", "relationshipTypes",
        f"{_NAMES},fromToName,bidirectional,fromConstraint[relationshipEntity]", ("code",), 2),
    Ask("optionSets", f"filter=id:in:[{district.OPTIONS}]&paging=false", "optionSets", f"{_NAMES},version,valueType"),
    Ask("options", f"filter=optionSet.id:eq:{district.OPTIONS}&page=1&pageSize=500", "options",
        f"{_NAMES},sortOrder,optionSet[id]", (), 2),
    Ask("optionGroups", f"filter=optionSet.id:in:[{district.OPTIONS}]&paging=false", "optionGroups", _NAMES, least=0),
    *(
        Ask(name, f"{_PROGRAM}&paging=false", name, f"{_NAMES},program[id]", least=0)
        for name in ("trackedEntityInstanceFilters", "programStageWorkingLists", "programIndicators")
    ),
    Ask("eventFilters", f"filter=program:in:{_PROGRAM_IDS}&paging=false", "eventFilters", _NAMES, least=0),
    *(
        Ask(name, "paging=false", name, _NAMES, least=0)
        for name in ("dataSets", "indicators", "indicatorTypes", "validationRules", "legendSets", "attributes",
                     "expressionDimensionItems", "externalMapLayers")
    ),
    Ask("dataElements", f"filter=id:in:[{district.WEIGHT}]&paging=false", "dataElements",
        f"{_NAMED},valueType,domainType,aggregationType,displayFormName", _PLAIN),
    Ask("categories", "paging=false", "categories", f"{_NAMES},dataDimensionType,categoryOptions[id]"),
    Ask("categoryOptions", "filter=access.data.read:eq:true&paging=false", "categoryOptions",
        f"{_NAMED},access[data[read,write]]", _PLAIN),
    Ask("icons", "paging=false", "icons", "key,href"),
)  # fmt: skip
