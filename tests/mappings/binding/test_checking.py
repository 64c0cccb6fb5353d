"""All that is wrong with a binding file is told at once, line by line."""

from mappings.binding.checking import problems_of

GOOD = """binding person
person
attributes.NAME <-> name.family
"""


def test_every_problem_has_its_line() -> None:
    """Each line that is refused is named; the lines around it are looked at all the same."""
    text = GOOD + (
        "attributes.SEX <-> gendr\n"
        "nonsense here\n"
        "attributes.BORN <-> birthDate dat\n"
        "attributes.PHONE <-> telecom[system=phone].value\n"
    )
    found = problems_of(text, "x.map")
    assert [one.partition(" ")[0].rstrip(":") for one in found] == ["x.map:4", "x.map:5", "x.map:6"]
    assert "gendr" in found[0]


def test_a_good_file_has_no_problems() -> None:
    """And one without any line has one."""
    assert problems_of(GOOD, "x.map") == []
    assert len(problems_of("", "x.map")) == 1


def test_a_table_that_is_refused_is_told_once() -> None:
    """Its lines are not blamed for it."""
    text = "binding b\nprogram P\nconcepts one two three\n  A a\n  B b\n"
    assert len(problems_of(text, "x.map")) == 1
