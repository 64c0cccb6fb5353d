"""TextPatterns: read, resolved, and known by their values."""

from datetime import date

import pytest

from tracker_core.errors import Conflict
from tracker_core.tracker.patterns import (
    every,
    matches,
    parse_pattern,
    random_value,
    required_values,
    resolve,
    space,
)

DAY = date(2024, 3, 9)


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ('"TB-" + RANDOM(##X)', "TB-RANDOM(##X)"),
        ("ORG_UNIT_CODE()+SEQUENTIAL(###)", "CLINIC_ASEQUENTIAL(###)"),
        ("ORG_UNIT_CODE(...)+SEQUENTIAL(###)", "CLISEQUENTIAL(###)"),
        ("ORG_UNIT_CODE(^..)+SEQUENTIAL(#)", "CLSEQUENTIAL(#)"),
        ("ORG_UNIT_CODE(..$)+SEQUENTIAL(#)", "_ASEQUENTIAL(#)"),
        ('CURRENT_DATE(yyyy-MM-dd)+"/"+RANDOM(#)', "2024-03-09/RANDOM(#)"),
        ('CURRENT_DATE(yyDDD)+RANDOM(#)+"-end"', "24069RANDOM(#)-end"),
        (r'"say \"a+b\""', 'say "a+b"'),
    ],
)
def test_the_fixed_parts_make_the_key(pattern: str, key: str) -> None:
    """What is known is filled in; the generated segment stays as it was written."""
    assert resolve(parse_pattern(pattern), {"ORG_UNIT_CODE": "CLINIC_A"}, DAY).key == key


@pytest.mark.parametrize(
    "pattern",
    ["", "RANDOM()", "RANDOM(#", "SEQUENTIAL(#X)", '"open', "RANDOM(#)+", "RANDOM(#) SEQUENTIAL(#)", "NAME(#)"],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """A pattern that cannot be read whole is none."""
    with pytest.raises(Conflict, match="cannot be read"):
        parse_pattern(pattern)


def test_a_pattern_has_one_generated_segment() -> None:
    """Two would leave open which of them counts."""
    with pytest.raises(Conflict, match="more than one"):
        parse_pattern("RANDOM(#)+SEQUENTIAL(#)")


def test_the_caller_brings_the_org_unit() -> None:
    """It is required; without it, or with one too short for its format, nothing is generated."""
    segments = parse_pattern("ORG_UNIT_CODE(...)+SEQUENTIAL(##)")
    assert required_values(segments) == {"REQUIRED": ["ORG_UNIT_CODE"], "OPTIONAL": ["SEQUENTIAL"]}
    for given, words in (({}, "Missing required values"), ({"ORG_UNIT_CODE": "AB"}, "too short")):
        with pytest.raises(Conflict, match=words):
            resolve(segments, given, DAY)


def test_an_unknown_date_part_is_refused() -> None:
    """Rather than to make numbers that nobody meant."""
    with pytest.raises(Conflict, match="'QQ' is not offered"):
        resolve(parse_pattern("CURRENT_DATE(yyyyQQ)+RANDOM(#)"), {}, DAY)


def test_a_value_tells_whether_its_pattern_made_it() -> None:
    """Any org unit and any day will do, but every place has its kind of character."""
    pattern = '"TB."+ORG_UNIT_CODE(..)+CURRENT_DATE(yyyy/MM)+RANDOM(#Xx*)'
    assert matches(pattern, "TB.AB2024/037Xx0")
    for wrong in ("TBxAB2024/037Xx0", "TB.AB2024/037xX0", "TB.AB2024/03xXx0", "TB.A2024/037Xx0", "TB.AB2024/037Xx00"):
        assert not matches(pattern, wrong)
    assert matches("SEQUENTIAL(###)", "007")
    assert matches("ORG_UNIT_CODE()+SEQUENTIAL(#)", "CLINIC7")


def test_random_values_are_of_the_space() -> None:
    """Each letter of the format has its alphabet."""
    [segment] = parse_pattern("RANDOM(#X)")
    assert space(segment) == 260
    assert list(every(segment))[:3] == ["0A", "0B", "0C"]
    assert random_value(segment) in set(every(segment))
    [starred] = parse_pattern("RANDOM(*)")
    assert space(starred) == 62
