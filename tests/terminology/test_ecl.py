"""Expression constraints against plain sets of codes, and what the subset refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.code_system import compile_system
from terminology.concepts import Concept, Edition
from terminology.ecl import compile_ecl
from terminology.problems import Problem

PARENTS = {str(n): {str(p) for p in {n // 2, n // 3} if 0 < p < n} for n in range(1, 14)}
CODES = list(PARENTS)
SYSTEM = compile_system(
    Edition("http://snomed.info/sct", "1", "x"),
    [Concept(code, f"Term {code}", tuple(sorted(above))) for code, above in PARENTS.items()],
)


def up(code: str) -> set[str]:
    """Return everything above `code`."""
    return PARENTS[code].union(*(up(parent) for parent in PARENTS[code]))


def simple(operator: str, code: str) -> set[str]:
    """Return what one operator before one code describes."""
    below = {one for one in CODES if code in up(one)}
    children = {one for one in CODES if code in PARENTS[one]}
    return {
        "": {code},
        "<": below,
        "<<": below | {code},
        "<!": children,
        "<<!": children | {code},
        ">": up(code),
        ">>": up(code) | {code},
        ">!": PARENTS[code],
        ">>!": PARENTS[code] | {code},
    }[operator]


OPERATORS = st.sampled_from(["", "<", "<<", "<!", "<<!", ">", ">>", ">!", ">>!"])
SIMPLE = st.tuples(OPERATORS, st.sampled_from(CODES)).map(
    lambda pair: (f"{pair[0]} {pair[1]} |Term {pair[1]}|", simple(*pair))
)


def joined(parts: list[tuple[str, set[str]]], word: str) -> tuple[str, set[str]]:
    """Return expressions joined by one word, each in parentheses, and what they describe."""
    text, found = f" {word} ".join(f"({text})" for text, _ in parts), set(parts[0][1])
    for _, codes in parts[1:]:
        found = {"AND": found & codes, "OR": found | codes, "MINUS": found - codes}[word]
    return text, found


EXPRESSIONS = st.recursive(
    SIMPLE,
    lambda inner: st.sampled_from(["AND", "OR", "MINUS"]).flatmap(
        lambda word: st.lists(inner, min_size=2, max_size=2 if word == "MINUS" else 3).map(
            lambda parts: joined(parts, word)
        )
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_expressions_describe_their_sets(expression: tuple[str, set[str]]) -> None:
    """Operators and their combinations agree with set arithmetic over the closure."""
    text, expected = expression
    test = compile_ecl(SYSTEM, text)
    assert {concept.code for concept in SYSTEM.concepts if test(concept)} == expected


def test_operators_reach_over_parentheses() -> None:
    """`<< (a OR b)` is what lies below either."""
    test = compile_ecl(SYSTEM, "<< (2 OR 3)")
    assert {one.code for one in SYSTEM.concepts if test(one)} == simple("<<", "2") | simple("<<", "3")
    for operator in ("<", "<!", "<<!", ">", ">>", ">!", ">>!"):
        over = compile_ecl(SYSTEM, f"{operator} (2 OR 9)")
        assert {one.code for one in SYSTEM.concepts if over(one)} == simple(operator, "2") | simple(operator, "9")
    everything = compile_ecl(SYSTEM, "*")
    assert all(everything(one) for one in SYSTEM.concepts)


@pytest.mark.parametrize(
    "text", ["", "<", "(1", "1)", "1 AND", "1 AND 2 OR 3", "1 MINUS 2 MINUS 3", "^ 1", "1 : 2 = 3", "(" * 99]
)
def test_what_is_not_offered_is_refused(text: str) -> None:
    """Refinements, member-of, mixed joins and broken text are refused, never read as something else."""
    with pytest.raises(Problem, match="is not understood at"):
        compile_ecl(SYSTEM, text)
