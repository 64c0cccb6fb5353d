"""Codecs for names of authorities and code systems, and for EI: the sender's naming table, both ways.

What nobody declared stays apart by sender: `urn:id:DOMAIN:NAME`. HL7 v2.9 chapter 2A (HD, EI, CX.4), table 0396.
"""

from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.er7 import NULL, escape, unescape
from mappings.scope import Scope

LOCAL = "urn:id:"
SCHEMES = {"ISO": "urn:oid:", "UUID": "urn:uuid:", "GUID": "urn:uuid:", "DNS": "urn:dns:"}
CODE_SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "SNM": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
    "I11": "http://id.who.int/icd/release/11/mms",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "MVX": "http://hl7.org/fhir/sid/mvx",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "WC": "http://www.whocc.no/atc",
    "C4": "http://www.ama-assn.org/go/cpt",
    "ISO": "urn:iso:std:iso:3166",
}
NAMES = {url: name for name, url in reversed(CODE_SYSTEMS.items())}
V2_TABLE = "http://terminology.hl7.org/CodeSystem/v2-"


def system_of(namespace: str, universal: str, kind: str, scope: Scope) -> str | None:
    """Return the system of an authority: what the sender's naming table says of any half, else its universal id."""
    naming = scope.profile.naming
    for name in (namespace, universal):
        if name in naming and (name or not namespace + universal):
            return naming[name]
    if universal:
        return SCHEMES.get(kind.upper(), "urn:oid:" if universal[:2] in ("1.", "2.") else "") + universal
    return local(namespace, scope) if namespace else None


def local(name: str, scope: Scope) -> str:
    """Return the system of a name that only this sender knows."""
    domain = scope.profile.domain
    return f"{LOCAL}{domain}:{name}" if domain else LOCAL + name


def authority_of(system: str, scope: Scope) -> tuple[str, str, str]:
    """Return namespace, universal id and its type of a system; names that the naming table gives fill both halves."""
    names = [name for name, known in scope.profile.naming.items() if known == system and name]
    namespace = next((name for name in names if not is_universal(name)), "")
    universal = next((name for name in names if is_universal(name)), "")
    if names:
        return namespace, *typed(universal)
    for kind, scheme in SCHEMES.items():
        if system.startswith(scheme):
            return "", system[len(scheme) :], kind
    prefix = local("", scope)
    if system.startswith(prefix):
        return system[len(prefix) :], "", ""
    return ("", system, "URI") if ":" in system else (system, "", "")


def is_universal(name: str) -> bool:
    """Tell whether a name is an OID or a URI rather than a namespace."""
    return ":" in name or name.replace(".", "").isdigit()


def typed(universal: str) -> tuple[str, str]:
    """Return a universal id without its scheme, and its type."""
    for kind, scheme in SCHEMES.items():
        if universal.startswith(scheme):
            return universal[len(scheme) :], kind
    if not universal:
        return "", ""
    return universal, "ISO" if universal.replace(".", "").isdigit() else "URI"


def parts(text: str, mark: str, scope: Scope) -> list[str]:
    """Return the parts of a value without escapes; null is nothing."""
    return ["" if part == NULL else unescape(part, scope.encoding).strip() for part in text.split(mark)]


def joined(values: list[str], mark: str, scope: Scope) -> str:
    """Return parts as one value without empty ones at its end."""
    return mark.join(escape(value, scope.encoding) for value in values).rstrip(mark)


def authority(depth: int) -> Codec:
    """Return the codec of HD at `depth` <-> the system of an identifier."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        namespace, universal, kind = [*parts(text, scope.marks[depth], scope), "", ""][:3]
        return system_of(namespace, universal, kind, scope) or MISSING

    def encode(value: Any, scope: Scope, _old: Any) -> str | None:
        if not isinstance(value, str):
            return None
        if value == scope.profile.naming.get(""):
            return ""
        return joined(list(authority_of(value, scope)), scope.marks[depth], scope)

    return Codec("authority", decode, encode, "raw")


def entity(depth: int) -> Codec:
    """Return the codec of EI at `depth` <-> Identifier."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        value, namespace, universal, kind = [*parts(text, scope.marks[depth], scope), "", "", ""][:4]
        if not value:
            return MISSING
        system = system_of(namespace, universal, kind, scope)
        return {"system": system, "value": value} if system else {"value": value}

    def encode(value: Any, scope: Scope, _old: Any) -> str | None:
        if not isinstance(value, dict) or not value.get("value"):
            return None
        known = authority_of(value["system"], scope) if value.get("system") else ()
        return joined([value["value"], *known], scope.marks[depth], scope)

    return Codec("EI", decode, encode, "raw", ("system", "value"), targets=("system", "value"))


def group(depth: int, half: int) -> Codec:
    """Return the codec of one half of a group number (ORC-4): 0 the placer's, 1 the filler's.

    It is an EI up to 2.7 and a pair of them (EIP) from 2.8 on; subcomponents betray a pair in any version.
    """
    inner, whole = entity(depth + 1), entity(depth)

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        if scope.version < "2.8" and scope.marks[depth + 1] not in text:
            return MISSING if half else whole.decode(text, scope, None)
        pair = [*text.split(scope.marks[depth]), ""]
        return inner.decode(pair[half], scope, None)

    def encode(value: Any, scope: Scope, _old: Any) -> str | None:
        if scope.version < "2.8":
            text = None if half else whole.encode(value, scope, None)
            return None if text is None else str(text)
        text = inner.encode(value, scope, None)
        return None if text is None else f"{scope.marks[depth] * half}{text}"

    return Codec(("placer_group", "filler_group")[half], decode, encode, "raw", ("system", "value"), targets=("value",))


def read_system(text: str, scope: Scope, _old: Any) -> Any:
    """Read the name of a code system (table 0396) as its url."""
    name = text.strip()
    if not name:
        return MISSING
    if name in scope.profile.naming:
        return scope.profile.naming[name]
    if name in CODE_SYSTEMS:
        return CODE_SYSTEMS[name]
    if name.startswith("HL7") and name[3:].isdigit():
        return V2_TABLE + name[3:]
    if name.replace(".", "").isdigit() and "." in name:
        return f"urn:oid:{name}"
    return name if ":" in name else local(name, scope)


def write_system(value: Any, scope: Scope, _old: Any) -> str | None:
    """Write the url of a code system as its name."""
    if not isinstance(value, str):
        return None
    for name, known in scope.profile.naming.items():
        if known == value and name:
            return name
    if value in NAMES:
        return NAMES[value]
    if value.startswith(V2_TABLE):
        return "HL7" + value[len(V2_TABLE) :]
    prefix = local("", scope)
    return value.removeprefix(prefix) if value.startswith(prefix) else value.removeprefix("urn:oid:")


def read_default(_text: str, scope: Scope, _old: Any) -> Any:
    """Return the system that the sender's profile gives to identifiers without authority."""
    return scope.profile.naming.get("", MISSING)


def write_nothing(_value: Any, _scope: Scope, _old: Any) -> str | None:
    """Write nothing: the number itself says it."""
    return None


CODECS = (
    Codec("system", read_system, write_system, "head"),
    Codec("default_system", read_default, write_nothing, "head"),
)
