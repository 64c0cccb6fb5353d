"""What columns are called in EMRs, in English, French, Portuguese and Spanish, and what each meaning is mapped to."""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column may mean: the path and codec of its row, and the shape that its values have."""

    name: str
    path: str
    codec: str
    shape: str
    words: frozenset[str]


def _meaning(name: str, path: str, codec: str, shape: str, words: str) -> Meaning:
    return Meaning(name, path, codec, shape, frozenset(words.split()))


# Meanings of a measurement, with the unit that it is kept in.
_MEASURES = {
    "8310-5": ("Cel", "temperature temp temperature_c temperatura t body_temperature fievre febre fiebre"),
    "29463-7": ("kg", "weight wt poids peso body_weight"),
    "8302-2": ("cm", "height ht taille altura estatura talla body_height"),
    "8867-4": ("/min", "pulse heart_rate hr pouls pulso frequence_cardiaque frequencia_cardiaca"),
    "9279-1": ("/min", "respiration respiratory_rate rr frequence_respiratoire frequencia_respiratoria"),
    "8480-6": ("mm[Hg]", "systolic sbp bp_systolic systolique sistolica pas tas"),
    "8462-4": ("mm[Hg]", "diastolic dbp bp_diastolic diastolique diastolica pad tad"),
    "59408-5": ("%", "spo2 oxygen_saturation saturation saturacao saturacion sat"),
    "718-7": ("g/dL", "haemoglobin hemoglobin hb hemoglobine hemoglobina"),
}
MEANINGS = (
    _meaning(
        "patient number", "Patient.identifier[system=hub:patient-number].value", "text", "id",
        "patient_id patientid patient_no patient_number pid mrn hospital_number file_no folder_number id_patient"
        " numero_patient no_patient n_patient n_dossier no_dossier"
        " num_dossier numero_dossier id_paciente numero_paciente processo n_processo"
        " numero_processo historia_clinica numero_historia nhc expediente opd_no upid",
    ),
    _meaning(
        "visit number", "Encounter.identifier[system=hub:visit-number].value", "text", "id",
        "visit_id visitid visit_no visit_number encounter_id encounter id_visite numero_visite n_visite"
        " no_visite n_consultation"
        " no_consultation"
        " id_consultation id_visita numero_visita id_consulta numero_consulta consulta_id episode_id",
    ),
    _meaning(
        "national id", "Patient.identifier[system=hub:national-id].value", "text", "id",
        "national_id nationalid nid nin nrc id_number id_national numero_national cni bi bilhete_identidade"
        " documento cedula dni curp",
    ),
    _meaning(
        "family name", "Patient.name[use=official].family", "text", "word",
        "family_name last_name lastname surname familyname nom nom_famille apelido sobrenome apellido apellidos",
    ),
    _meaning(
        "given name", "Patient.name[use=official].given*", "words", "word",
        "given_name first_name firstname forename other_names prenom prenoms nome_proprio primeiro_nome nombre nombres",
    ),
    _meaning(
        "full name", "Patient.name[use=usual].text", "text", "word",
        "name full_name patient_name nom_complet nom_et_prenom nome nome_completo nombre_completo nom_patient",
    ),
    _meaning("sex", "Patient.gender", "code:sex", "sex", "sex gender sexe genre sexo genero"),
    _meaning(
        "birth date", "Patient.birthDate", "date", "date",
        "birth_date birthdate dob date_of_birth date_naissance ddn data_nascimento data_de_nascimento"
        " fecha_nacimiento fecha_de_nacimiento fnac date_de_naissance",
    ),
    _meaning("age", "Patient.birthDate", "age", "age", "age age_years idade edad age_annees age_ans"),
    _meaning(
        "phone", "Patient.telecom[system=phone].value", "text", "phone",
        "phone phone_number telephone tel mobile cell contact telefone telemovel telefono celular",
    ),
    _meaning(
        "address", "Patient.address.text", "text", "word",
        "address village residence adresse quartier endereco bairro aldeia direccion domicilio barrio",
    ),
    _meaning(
        "visit date", "Encounter.period.start", "dateTime", "date",
        "visit_date date encounter_date consultation_date date_of_visit attendance_date date_visite date_consultation"
        " data data_consulta data_visita fecha fecha_consulta fecha_visita date_de_consultation data_da_consulta",
    ),
    _meaning(
        "facility", "Encounter.serviceProvider.identifier.value", "text", "word",
        "facility facility_code clinic health_facility site etablissement structure formation_sanitaire"
        " unidade_sanitaria unidade estabelecimento establecimiento centro",
    ),
    _meaning(
        "diagnoses", "Condition*", "diagnoses", "icd10",
        "diagnosis diagnoses icd icd10 icd_10 icd_code dx diagnostic diagnostics cim10 cim_10 code_cim cid cid10 cid_10"
        " diagnostico diagnosticos cie10 cie_10 codigo_cie",
    ),
    _meaning("certainty", "", "", "word", "certainty certitude certeza dx_status statut_diagnostic"),
    *(
        _meaning(words.split()[0], f"Observation[code=loinc|{code}].valueQuantity", f"quantity:{unit}", "number", words)
        for code, (unit, words) in _MEASURES.items()
    ),
)  # fmt: skip
# How headers write units -> UCUM.
_UNITS = {
    "kg": "kg", "kgs": "kg", "lb": "[lb_av]", "lbs": "[lb_av]", "cm": "cm", "m": "m", "in": "[in_i]", "ft": "[ft_i]",
    "c": "Cel", "celsius": "Cel", "f": "[degF]", "fahrenheit": "[degF]", "bpm": "/min", "mmhg": "mm[Hg]", "g": "g",
    "gdl": "g/dL", "gl": "g/L",
}  # fmt: skip


def plain(name: str) -> str:
    """Return a header without accents, punctuation and case: `Température (°C)` is `temperature_c`."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "_".join(re.sub(r"[^0-9a-z]+", " ", bare.casefold().replace("g/dl", "gdl").replace("g/l", "gl")).split())


def means(header: str) -> tuple[Meaning | None, float, str]:
    """Return what a header means, how sure that is (0 to 1), and the unit (UCUM) that stands in it."""
    name = plain(header)
    words = name.split("_")
    unit = _UNITS.get(words[-1], "") if len(words) > 1 else ""
    bare = "_".join(words[:-1]) if unit else name
    for one in MEANINGS:
        if name in one.words or bare in one.words:
            return one, 0.6, unit if one.shape == "number" else ""
    # The longest word of a meaning that stands in the header: `patient_weight_kg`.
    held = [(len(word), one) for one in MEANINGS for word in one.words if len(word) > 3 and f"_{word}_" in f"_{bare}_"]
    if held:
        best = max(held, key=lambda pair: pair[0])[1]
        return best, 0.4, unit if best.shape == "number" else ""
    return None, 0.0, unit
