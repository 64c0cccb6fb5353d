"""Codecs at the edges of what the standard lets a value say."""

from decimal import Decimal
from typing import Any

import pytest

from mappings import Profile, Scope
from mappings.codecs import BY_DEPTH, ER7
from mappings.codecs.coded import code, coding, concept, quantity
from mappings.codecs.references import reference
from mappings.codecs.results import varies
from mappings.concepts import parse_concept_map
from mappings.library import BASE, er7_codecs, merged_sections, read_concepts
from mappings.places import MISSING
from mappings.scope import Unfit

FIND = er7_codecs(merged_sections([BASE], "hl7v2/types"), read_concepts([BASE]))
XTN = BY_DEPTH["XTN"](1)
PL = BY_DEPTH["PL"](1)
VARIES = varies(FIND("CWE", 1), FIND("UNIT", 1))


def decode(name: str, value: Any, scope: Scope | None = None) -> Any:
    """Decode with a codec by name."""
    return FIND(name, 1).decode(value, scope or Scope(), None)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("decimal", "1,5", "not a number"),
        ("decimal", "NaN", "not a number"),
        ("integer", "1.5", "not a whole number"),
        ("yes", "maybe", "neither Y nor N"),
        ("dateTime", "2024-1-1", "not a date or time"),
        ("dateTime", "20240230", "no such day"),
        ("dateTime", "202401022500", "no such time"),
        ("dateTime", "202401020304+1500", "no such time offset"),
        ("date", "yesterday", "not a date"),
        ("instant", "20240101", "an instant needs a time"),
        ("time_of_day", "noon", "not a time of day"),
        ("time_of_day", "2460", "no such time"),
        ("code:AdministrativeSex", "Q", "not in AdministrativeSex"),
    ],
)
def test_what_does_not_fit(name: str, text: str, reason: str) -> None:
    """A value that cannot be said in FHIR is refused with a reason."""
    with pytest.raises(Unfit) as refused:
        decode(name, text)
    assert refused.value.reason == reason


@pytest.mark.parametrize("name", ["text", "decimal", "integer", "yes", "dateTime", "date", "system", "EI", "XTN", "PL"])
def test_nothing_is_nothing(name: str) -> None:
    """An empty value reads as missing, and a value of another kind is not written."""
    assert decode(name, " " if name in ("text", "decimal") else "") is MISSING
    assert FIND(name, 1).encode({"odd": 1} if name not in ("XTN", "EI", "PL") else "odd", Scope(), "") is None


def test_precision_of_times() -> None:
    """Minutes get seconds, an hour alone becomes its day with a word about it, fractions stay."""
    scope = Scope(Profile())
    assert decode("dateTime", "20240102030405.1234-0500", scope) == "2024-01-02T03:04:05.1234-05:00"
    assert decode("dateTime", "2024010203+0100", scope) == "2024-01-02"
    assert [issue.code for issue in scope.issues] == ["hour-precision"]
    assert decode("dateTime", "2024-01-02 03:04Z") == "2024-01-02T03:04:00Z"
    assert ER7["dateTime"].encode("2024-01-02T03:04:05Z", scope, "") == "20240102030405+0000"
    assert ER7["date"].encode("2024-01-02T03:04:05Z", scope, "") == "20240102"
    assert ER7["time_of_day"].encode("07:15:00", scope, "") == "071500"


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("deceased", ["20240101", "Y"], {"deceasedDateTime": "2024-01-01"}),
        ("deceased", ["", "N"], {"deceasedBoolean": False}),
        ("deceased", ['""', ""], None),
        ("deceased", ["", "^"], MISSING),
        ("birth_order", ["Y", "2"], {"multipleBirthInteger": 2}),
        ("birth_order", ["Y", ""], {"multipleBirthBoolean": True}),
        ("effective", ["20240101", ""], {"effectiveDateTime": "2024-01-01"}),
        ("effective", ["", "20240102"], {"effectivePeriod": {"end": "2024-01-02"}}),
        ("effective", ['""', '""'], None),
        ("effective", ["^", ""], MISSING),
        ("collected", ["20240101", ""], {"collectedDateTime": "2024-01-01"}),
        ("lines", ["a~b"], "a\nb"),
        ("lines", ['""'], None),
    ],
)
def test_codecs_over_fields(name: str, texts: list[str], value: Any) -> None:
    """The fields together make one value, and are written together."""
    codec = ER7[name]
    assert codec.decode(texts, Scope(), None) == value
    if isinstance(value, dict | str):
        written = codec.encode(value, Scope(), ["" for _ in texts])
        assert written is not None
        assert codec.decode(written, Scope(), None) == value


def test_choices_without_a_place() -> None:
    """A variant that the fields cannot say is not written; an instant is a moment."""
    assert ER7["effective"].encode({"effectiveTiming": {}}, Scope(), ["", ""]) is None
    assert ER7["effective"].encode({"effectiveInstant": "2024-01-02T03:04:05Z"}, Scope(), ["", ""]) == [
        "20240102030405+0000",
        "",
    ]
    assert ER7["deceased"].encode({"deceasedAge": 1}, Scope(), ["", ""]) is None
    assert ER7["lines"].encode("", Scope(), [""]) is None


def test_birth_times() -> None:
    """The time of birth stands beside the day, and is written only while the day agrees."""
    birth = ER7["birthdate"]
    value = birth.decode("199001020304+0300", Scope(), None)
    assert value["birthDate"] == "1990-01-02"
    assert birth.encode(value, Scope(), "") == "19900102030400+0300"
    assert birth.encode({**value, "birthDate": "1991"}, Scope(), "") == "1991"
    assert birth.decode("", Scope(), None) is MISSING


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("555 1234", {"system": "phone", "value": "555 1234"}),
        ("^NET^Internet^a@b.example", {"system": "email", "value": "a@b.example"}),
        ("^^^a@b.example", {"system": "email", "value": "a@b.example"}),
        ("555^PRN^CP", {"system": "phone", "value": "555", "use": "mobile"}),
        ("555^WPN^CP", {"system": "phone", "value": "555", "use": "work"}),
        ("^PRN^FX^^^^^^^^^987", {"system": "fax", "value": "987", "use": "home"}),
        ("5^^^^^^^^^^^^x", {"system": "phone", "value": "5"}),
    ],
)
def test_ways_to_say_a_number(text: str, value: dict[str, Any]) -> None:
    """The unformatted number, the address, or the pieces; equipment and use in the words of FHIR."""
    assert XTN.decode(text, Scope(), None) == value


def test_numbers_in_pieces() -> None:
    """Pieces make the number and stay beside it."""
    value = XTN.decode("^PRN^PH^^1^617^5550100^12", Scope(), None)
    assert value["value"] == "+1 617 5550100 X12"
    assert [piece["valueString"] for piece in value["extension"]] == ["1", "617", "5550100", "12"]
    assert XTN.encode(value, Scope(), "") == "+1 617 5550100 X12^PRN^PH^^1^617^5550100^12"
    kept = XTN.encode({"system": "phone", "value": "7"}, Scope(), "1^PRN^PH^^^^^^remark")
    assert kept == "7^^PH^^^^^^remark"


def test_places_of_several_kinds() -> None:
    """A place has the type of its innermost level, its own identifier beside the path, its status and description."""
    value = PL.decode("W3^12^^LAKE&1.2&ISO^O^^B1^F2^by the window^P7&LAKE", Scope(Profile(domain="d")), None)
    assert value["physicalType"]["coding"][0]["code"] == "ro"
    assert [i["value"] for i in value["identifier"]] == ["W3^12^^LAKE&1.2&ISO^^^B1^F2", "P7"]
    assert value["operationalStatus"]["code"] == "O"
    written = PL.encode(value, Scope(Profile(domain="d")), "")
    assert written == "W3^12^^LAKE&1.2&ISO^O^^B1^F2^by the window^P7&LAKE"
    assert PL.encode({"identifier": [{"value": "X9"}]}, Scope(), "") == "X9^^^^^^^^^X9"
    assert PL.encode({"address": {}}, Scope(), "") is None
    bare = PL.decode("W3^^^^^^^^^P7", Scope(), None)
    assert bare["identifier"][1] == {"value": "P7"}


def test_systems_by_the_naming_table() -> None:
    """Names of the profile win, universal ids are known by their form, names without any stay apart by sender."""
    scope = Scope(
        Profile(domain="d", naming={"99X": "http://x.example", "urn:oid:1.9": "http://o.example", "": "urn:own"})
    )
    assert [decode("system", name, scope) for name in ("99X", "LN", "HL70001", "1.2.3", "http://a.example", "L")] == [
        "http://x.example",
        "http://loinc.org",
        "http://terminology.hl7.org/CodeSystem/v2-0001",
        "urn:oid:1.2.3",
        "http://a.example",
        "urn:id:d:L",
    ]
    assert FIND("system", 1).encode("http://x.example", scope, "") == "99X"
    authority = BY_DEPTH["authority"](2)
    assert authority.encode("http://o.example", scope, "") == "&1.9&ISO"
    assert authority.encode("urn:own", scope, "") == ""
    assert authority.encode("PLAIN", scope, "") == "PLAIN"
    assert authority.decode("&http://z.example&URI", scope, None) == "http://z.example"
    assert authority.decode("&2.16.1", scope, None) == "urn:oid:2.16.1"
    assert authority.encode("http://z.example", scope, "") == "&http://z.example&URI"
    assert authority.encode(3, scope, "") is None
    assert FIND("system", 1).encode(3, scope, "") is None
    named = Scope(Profile(naming={"http://n.example/a": "http://n.example"}))
    assert authority.encode("http://n.example", named, "") == "&http://n.example/a&URI"


MAP = parse_concept_map("m urn:src -> urn:dst\nA  X  shown\nB  -\nC  urn:other|Y\n", "m")
SAME = parse_concept_map("s urn:s -> urn:s\n*  *\n", "s")


def test_required_codes() -> None:
    """A code without equivalent is nothing, one without inverse is not written."""
    codec = code(MAP)
    assert codec.decode("A", Scope(), None) == "X"
    assert codec.decode("B", Scope(), None) is MISSING
    assert codec.encode("X", Scope(), "") == "A"
    assert codec.encode("Z", Scope(), "") is None


def test_codings_keep_what_they_do_not_know() -> None:
    """An unknown code stays as it came, with a word about it."""
    scope, codec = Scope(), coding(MAP)
    assert codec.decode("A", scope, None) == {"system": "urn:dst", "code": "X", "display": "shown"}
    assert codec.decode("Q", scope, None) == {"code": "Q"}
    assert [issue.code for issue in scope.issues] == ["unmapped-code"]
    assert codec.encode({"code": "Q"}, scope, "") == "Q"
    assert codec.encode({"system": "urn:other", "code": "Y"}, scope, "") == "C"
    assert codec.encode({"system": "urn:odd", "code": "Q"}, scope, "") is None
    assert codec.encode({"system": "urn:dst"}, scope, "") is None


def test_concepts_put_the_translation_first() -> None:
    """The sender's coding stays behind it and is what is written back; foreign systems are left alone."""
    scope = Scope(Profile(naming={"SRC": "urn:src"}))
    codec = concept(MAP, FIND("CWE", 1))
    value = codec.decode("A^label^SRC", scope, None)
    assert [c["code"] for c in value["coding"]] == ["X", "A"]
    assert codec.encode(value, scope, "") == "A^label^SRC"
    assert codec.encode({"coding": [{"system": "urn:dst", "code": "X"}]}, scope, "") == "A^^SRC"
    assert codec.encode({"coding": [{"system": "urn:dst", "code": "Z"}]}, scope, "") == "Z^^urn:dst"
    assert codec.encode({"text": "only"}, scope, "") == "^^^^^^^^only"
    assert codec.encode("no concept", scope, "") is None
    foreign = codec.decode("A^^LN", scope, None)
    assert foreign["coding"] == [{"code": "A", "system": "http://loinc.org"}]
    assert codec.decode("^^^^^^^^words", scope, None) == {"text": "words"}
    assert codec.decode("Q", scope, None) == {"coding": [{"code": "Q"}]}
    assert codec.decode("", scope, None) is MISSING
    same = concept(SAME, FIND("CWE", 1)).decode("K^shown", scope, None)
    assert same["coding"] == [{"system": "urn:s", "code": "K", "display": "shown"}]


def test_quantities_of_one_unit() -> None:
    """A bare number in a fixed unit; other units are converted exactly or refused."""
    codec = quantity("kg")
    assert codec.decode("72.50", Scope(), None)["value"] == Decimal("72.50")
    assert codec.decode(" ", Scope(), None) is MISSING
    assert codec.encode({"value": Decimal(3250), "code": "g"}, Scope(), "") == "3.250"
    assert codec.encode({"value": 3, "unit": "kg"}, Scope(), "") == "3"
    assert codec.encode({}, Scope(), "") is None
    with pytest.raises(Unfit):
        codec.encode({"value": 3, "unit": "stone"}, Scope(), "")


def test_references_stand_in_for_absent_records() -> None:
    """What cannot be followed is written by what the reference says itself; another type yields nothing."""
    codec = reference(FIND("XON", 1), "Organization")
    said = {"type": "Organization", "display": "Lab", "identifier": {"value": "7"}}
    assert codec.encode(said, Scope(), "") == "Lab^^^^^^^^^7"
    assert codec.encode({"reference": "Organization/1"}, Scope(), "") is None
    assert codec.encode({"reference": "Patient/1", "display": "x"}, Scope(), "") is None
    assert codec.encode("Organization/1", Scope(), "") is None
    assert codec.decode("", Scope(), None) is MISSING


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["", "x", ""], {"valueString": "x"}),
        (["NM", "<5.0", "mg"], {"valueQuantity": {"comparator": "<", "value": Decimal("5.0"), "unit": "mg"}}),
        (["NM", " ", ""], MISSING),
        (["NM", "1", '""'], {"valueQuantity": {"value": Decimal(1)}}),
        (["SN", "<>^1", ""], {"valueString": "<> 1"}),
        (["SN", "^1^+", ""], {"valueString": "1 +"}),
        (["SN", "^x^-^2", ""], {"valueString": "x - 2"}),
        (["SN", "=^7", ""], {"valueQuantity": {"value": Decimal(7)}}),
        (["SN", "^", ""], MISSING),
        (["DR", "^", ""], MISSING),
        (["NR", "^", ""], MISSING),
        (["ED", "^^^A^text", ""], {"valueString": "^^^A^text"}),
        (["RP", "^^", ""], MISSING),
        (["CWE", "", ""], MISSING),
        (["CWE", "^", ""], MISSING),
        (["XPN", "A^B", ""], {"valueString": "A^B"}),
        (["TX", "~", ""], MISSING),
    ],
)
def test_odd_results(texts: list[str], value: Any) -> None:
    """Comparators in numbers, structured numerics that are none, empty values, unknown types: nothing is dropped."""
    kind, text, unit = texts
    assert VARIES.decode([kind, "", text, unit], Scope(), None) == value


def test_several_values_are_components() -> None:
    """Repetitions of OBX-5 become components under the code of the whole, and repetitions again."""
    texts = ["NM", "1^a^L", "5.0~6.0", "mg"]
    code = {"coding": [{"code": "1", "display": "a", "system": "urn:id:L"}]}
    first = {"code": code, "valueQuantity": {"value": Decimal("5.0"), "unit": "mg"}}
    value = VARIES.decode(texts, Scope(), None)
    assert value["component"][0] == first
    assert VARIES.encode(value, Scope(), ["", "1^a^L", "", ""]) == texts
    assert VARIES.encode({"component": [{**first, "code": {"text": "other"}}]}, Scope(), texts) is None
    assert VARIES.encode({"component": [first, {"code": code, "valueString": "x"}]}, Scope(), texts) is None
    assert VARIES.decode(["NM", "1^a^L", "5.0~", ""], Scope(), None) == {"valueQuantity": {"value": Decimal("5.0")}}


def test_results_that_cannot_be_said() -> None:
    """Variants without a v2 type are not written; a long text is TX, an old text type is kept."""
    assert VARIES.encode({"valueSampledData": {}}, Scope(), ["", "", "", ""]) is None
    assert VARIES.encode({"valueQuantity": {}}, Scope(), ["", "", "", ""]) is None
    assert VARIES.encode({"extension": [{"url": "u"}]}, Scope(), ["", "", "", ""]) is None
    assert VARIES.encode({"valueString": "a" * 200}, Scope(), ["", "", "", ""]) == ["TX", "", "a" * 200, ""]
    assert VARIES.encode({"valueString": "a"}, Scope(), ["FT", "", "b", "u"]) == ["FT", "", "a", "u"]
    concept_ = {"coding": [{"code": "A"}]}
    assert VARIES.encode({"valueCodeableConcept": concept_}, Scope(), ["CE", "", "B^x", ""]) == ["CE", "", "A^", ""]
