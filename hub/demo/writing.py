"""The day's visits as the hospitals' own systems write them: FHIR bundles, HL7v2 messages, EMR rows, DHIS2 payloads.

Written by hand on purpose: these are foreign systems, they share no code with the hub that reads them.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from hub.demo.people import Visit

ICD10 = "http://hl7.org/fhir/sid/icd-10"
LOINC = "http://loinc.org"
NATIONAL_ID = "urn:tracker-hub:national-id"
ORG_UNIT = "urn:tracker-hub:org-unit"
GENDER = {"F": "female", "M": "male"}
RESULT = {"positive": ("10828004", "Positive"), "negative": ("260385009", "Negative")}
TESTS = {"malaria": ("70569-9", "Malaria rapid test"), "sputum": ("648-6", "Sputum microscopy")}


def fhir_bundle(visit: Visit) -> bytes:
    """Return one visit as a transaction Bundle, as a FHIR-speaking hospital system sends it."""
    patient, encounter = f"urn:uuid:{_uuid(visit, 0)}", f"urn:uuid:{_uuid(visit, 1)}"
    subject = {"reference": patient}
    inside = {"reference": encounter}
    entries = [
        _entry(patient, _fhir_patient(visit), f"identifier={_mrn_system(visit)}|{visit.local_id}"),
        _entry(
            encounter,
            {
                "resourceType": "Encounter",
                "identifier": [{"system": f"urn:demo:{visit.facility.code}:visit", "value": visit.id}],
                "status": "finished",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                "subject": subject,
                "period": {"start": visit.start.isoformat(), "end": _end(visit)},
                "serviceProvider": _facility(visit),
            },
        ),
    ]
    entries += [
        _entry(f"urn:uuid:{_uuid(visit, 10 + n)}", _fhir_condition(code, subject, inside, visit))
        for n, code in enumerate(visit.diagnoses)
    ]
    entries += [
        _entry(f"urn:uuid:{_uuid(visit, 20 + n)}", {**observation, "subject": subject, "encounter": inside})
        for n, observation in enumerate(_fhir_observations(visit))
    ]
    text = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    for number in (visit.temperature, visit.weight):
        text = text.replace(f'"@{number}"', str(number))
    return text.encode()


def _uuid(visit: Visit, part: int) -> str:
    return f"00000000-0000-4000-8000-{visit.person.number:08x}{int(visit.id[-1]):01x}{part:03x}"


def _entry(url: str, resource: dict[str, Any], unless: str = "") -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": url, "resource": resource, "request": {**request, **({"ifNoneExist": unless} if unless else {})}}


def _mrn_system(visit: Visit) -> str:
    return f"urn:demo:{visit.facility.code}:mrn"


def _facility(visit: Visit) -> dict[str, Any]:
    return {
        "identifier": {"system": ORG_UNIT, "value": visit.facility.code},
        "display": visit.facility.name,
    }


def _end(visit: Visit) -> str:
    return (visit.start + timedelta(minutes=35)).isoformat()


def _fhir_patient(visit: Visit) -> dict[str, Any]:
    person = visit.person
    identifiers = [{"system": _mrn_system(visit), "value": visit.local_id}]
    if person.national_id:
        identifiers.append({"system": NATIONAL_ID, "value": person.national_id})
    return {
        "resourceType": "Patient",
        "identifier": identifiers,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "gender": GENDER[person.sex],
        "birthDate": person.born.isoformat(),
        **({"telecom": [{"system": "phone", "value": person.phone, "use": "mobile"}]} if person.phone else {}),
        "managingOrganization": _facility(visit),
    }


def _fhir_condition(code: str, subject: dict[str, str], encounter: dict[str, str], visit: Visit) -> dict[str, Any]:
    status = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": f"{status}clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{status}ver-status", "code": "confirmed"}]},
        "code": {"coding": [{"system": ICD10, "code": code}]},
        "subject": subject,
        "encounter": encounter,
        "recordedDate": visit.start.isoformat(),
    }


def _fhir_observations(visit: Visit) -> list[dict[str, Any]]:
    made = [
        _fhir_quantity("8310-5", "Cel", f"@{visit.temperature}"),
        _fhir_quantity("29463-7", "kg", f"@{visit.weight}"),
    ]
    for name, result in (("malaria", visit.malaria_test), ("sputum", visit.sputum_test)):
        if result:
            code, display = RESULT[result]
            coding = {"system": "http://snomed.info/sct", "code": code, "display": display}
            made.append(
                {**_fhir_observation(TESTS[name][0]), "valueCodeableConcept": {"coding": [coding], "text": display}}
            )
    return [{**observation, "effectiveDateTime": visit.start.isoformat()} for observation in made]


def _fhir_observation(loinc: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": loinc}]},
    }


def _fhir_quantity(loinc: str, unit: str, value: str) -> dict[str, Any]:
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {**_fhir_observation(loinc), "valueQuantity": quantity}


def hl7_messages(visits: Iterable[Visit]) -> list[tuple[str, bytes]]:
    """Return the visits of HL7v2 senders as (control id, message): an arrival and its results each."""
    messages = []
    for visit in visits:
        messages.append(_hl7(visit, "ADT^A04^ADT_A01", "A", [*_hl7_head(visit), *_hl7_diagnoses(visit)]))
        messages.append(_hl7(visit, "ORU^R01^ORU_R01", "R", [*_hl7_head(visit), *_hl7_results(visit)]))
    return messages


def hl7_merge(survivor: Visit, old_id: str) -> tuple[str, bytes]:
    """Return the message that says: `old_id` was this same person, registered twice (ADT^A40)."""
    merge = f"MRG|{old_id}^^^{survivor.facility.code}^MR"
    return _hl7(survivor, "ADT^A40^ADT_A39", "M", [_hl7_patient(survivor), merge])


def hl7_arrival(visit: Visit, local_id: str, suffix: str) -> tuple[str, bytes]:
    """Return an arrival of `visit` under another local id and no national id: what a merge will put right."""
    segments = [_hl7_patient(visit, local_id), _hl7_visit(visit, suffix)]
    return _hl7(visit, "ADT^A04^ADT_A01", suffix, segments)


def _hl7(visit: Visit, type: str, suffix: str, segments: list[str]) -> tuple[str, bytes]:
    control = f"{visit.id}-{suffix}"
    stamp = visit.start.strftime("%Y%m%d%H%M%S%z")
    head = f"MSH|^~\\&|CLINIC|{visit.facility.code}|HUB|MOH|{stamp}||{type}|{control}|P|2.5.1||||||UNICODE UTF-8"
    event = [f"EVN||{stamp}"] if type.startswith("ADT") else []
    return control, "\r".join([head, *event, *segments, ""]).encode()


def _hl7_head(visit: Visit) -> list[str]:
    return [_hl7_patient(visit), _hl7_visit(visit)]


def _hl7_patient(visit: Visit, local_id: str = "") -> str:
    person = visit.person
    ids = [f"{local_id or visit.local_id}^^^{visit.facility.code}^MR"]
    if person.national_id and not local_id:
        ids.append(f"{person.national_id}^^^NID^NI")
    phone = f"{person.phone}^PRN^CP" if person.phone else ""
    born = person.born.strftime("%Y%m%d")
    return f"PID|1||{'~'.join(ids)}||{person.family}^{person.given}||{born}|{person.sex}|||||{phone}"


def _hl7_visit(visit: Visit, suffix: str = "") -> str:
    fields = {
        1: "1",
        2: "O",
        3: f"OPD^^^{visit.facility.code}",
        19: f"{visit.id}{suffix}^^^{visit.facility.code}^VN",
        44: visit.start.strftime("%Y%m%d%H%M%S%z"),
    }
    return "PV1|" + "|".join(fields.get(n, "") for n in range(1, 45))


def _hl7_diagnoses(visit: Visit) -> list[str]:
    stamp = visit.start.strftime("%Y%m%d%H%M%S%z")
    return [f"DG1|{n}||{code}^^I10||{stamp}|F" for n, code in enumerate(visit.diagnoses, 1)]


def _hl7_results(visit: Visit) -> list[str]:
    stamp = visit.start.strftime("%Y%m%d%H%M%S%z")
    results = [("8310-5", "NM", str(visit.temperature), "Cel"), ("29463-7", "NM", str(visit.weight), "kg")]
    for name, result in (("malaria", visit.malaria_test), ("sputum", visit.sputum_test)):
        if result:
            code, display = RESULT[result]
            results.append((TESTS[name][0], "CWE", f"{code}^{display}^SCT", ""))
    lines = [f"OBR|1||{visit.id}^LAB|34566-0^Visit results^LN|||{stamp}|||||||||||||||{stamp}|||F"]
    lines += [
        f"OBX|{n}|{kind}|{loinc}^^LN||{value}|{f'{unit}^^UCUM' if unit else ''}|||||F|||{stamp}"
        for n, (loinc, kind, value, unit) in enumerate(results, 1)
    ]
    return lines


EMR_COLUMNS = (
    "patient_id national_id family_name given_name sex birth_date phone facility visit_id visit_date diagnoses"
    " temperature_c weight_kg malaria_test sputum_test"
).split()


def emr_rows(visits: Iterable[Visit]) -> list[dict[str, str]]:
    """Return visits as flat rows, one per visit, in the columns of the demo's EMR."""
    return [
        dict(
            zip(
                EMR_COLUMNS,
                (
                    visit.local_id,
                    visit.person.national_id,
                    visit.person.family,
                    visit.person.given,
                    visit.person.sex,
                    visit.person.born.isoformat(),
                    visit.person.phone,
                    visit.facility.code,
                    visit.id,
                    visit.start.isoformat(),
                    "; ".join(visit.diagnoses),
                    str(visit.temperature),
                    str(visit.weight),
                    visit.malaria_test,
                    visit.sputum_test,
                ),
                strict=True,
            )
        )
        for visit in visits
    ]


def emr_csv(visits: Iterable[Visit]) -> bytes:
    """Return visits as the CSV file that the EMR exports at night."""
    return as_csv(emr_rows(visits))


def as_csv(rows: Iterable[dict[str, str]]) -> bytes:
    """Return rows as a CSV file with the EMR's columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, EMR_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


PROGRAMS = {"malaria": ("ThPrMalaria", "ThPsMalCase"), "tb": ("ThPrTubercu", "ThPsTbVisit")}
ATTRIBUTES = {
    "given": "sB1IHYu2xQT",
    "family": "ENRjVGxVL6l",
    "sex": "oindugucx72",
    "born": "NI0QRzJvQ0k",
    "national_id": "Ewi7FUfcHAD",
    "phone": "fctSQp5nAYl",
}


def program_of(visit: Visit) -> str:
    """Return the surveillance program that a visit's diagnosis belongs to, by our own reading of the code."""
    block = visit.diagnoses[0][:3]
    if "B50" <= block <= "B54":
        return "malaria"
    return "tb" if "A15" <= block <= "A19" else ""


def dhis2_payload(visits: Iterable[Visit], known: Mapping[str, str]) -> bytes:
    """Return visits as a nested tracker payload, as a health post captures them: cases with enrollment and event.

    `known` maps national ids to the tracked entities that the health worker found by them before registering.
    """
    return json.dumps({"trackedEntities": [_tracked_entity(visit, known) for visit in visits]}).encode()


def _tracked_entity(visit: Visit, known: Mapping[str, str]) -> dict[str, Any]:
    person = visit.person
    values = {
        "given": person.given,
        "family": person.family,
        "sex": {"F": "FEMALE", "M": "MALE"}[person.sex],
        "born": person.born.isoformat(),
        "national_id": person.national_id,
        "phone": person.phone,
    }
    program = program_of(visit)
    return {
        "trackedEntity": known.get(person.national_id) or f"DmTe{person.number:04d}{visit.id[-1]:0>3}",
        "trackedEntityType": "MCPQUTHX1Ze",
        "orgUnit": visit.facility.uid,
        "attributes": [{"attribute": ATTRIBUTES[name], "value": value} for name, value in values.items() if value],
        "enrollments": [_enrollment(visit, *PROGRAMS[program])] if program else [],
    }


def _enrollment(visit: Visit, program: str, stage: str) -> dict[str, Any]:
    day = visit.start.date().isoformat()
    if program == PROGRAMS["malaria"][0]:
        values = {
            "ThDeMalDiag": visit.diagnoses[0],
            "ThDeMalTemp": str(visit.temperature),
            "ThDeMalWeig": str(visit.weight),
            "ThDeMalRdt0": visit.malaria_test.upper(),
        }
    else:
        values = {"ThDeTbDiagn": visit.diagnoses[0], "ThDeTbWeigh": str(visit.weight)}
    return {
        "enrollment": f"DmEn{visit.person.number:04d}{visit.id[-1]:0>3}",
        "program": program,
        "orgUnit": visit.facility.uid,
        "enrolledAt": day,
        "occurredAt": day,
        "events": [
            {
                "event": f"DmEv{visit.person.number:04d}{visit.id[-1]:0>3}",
                "program": program,
                "programStage": stage,
                "orgUnit": visit.facility.uid,
                "occurredAt": visit.start.replace(tzinfo=None).isoformat(),
                "status": "COMPLETED",
                "dataValues": [{"dataElement": element, "value": value} for element, value in values.items() if value],
            }
        ],
    }
