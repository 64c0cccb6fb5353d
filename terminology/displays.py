"""Whether the display that comes with a code is one of its names in the language asked for."""

from terminology import languages
from terminology.code_system import CodeSystem
from terminology.composing import Member
from terminology.concepts import Concept, Designation
from terminology.languages import Languages
from terminology.problems import Issue


def shown(system: CodeSystem, concept: Concept, wanted: Languages, member: Member | None = None) -> str:
    """Return the display to answer with: the value set's own, else the best in a wanted language, else the system's."""
    if member and member.display:
        return member.display
    chosen = languages.choose(concept, system.edition.traits.language, wanted)
    return chosen.value if chosen else concept.display


def check(
    system: CodeSystem, concept: Concept, display: str, wanted: Languages, place: str, lenient: bool
) -> Issue | None:
    """Return what is wrong with `display`, compared without case and blanks, or None. `lenient` only warns."""
    own = system.edition.traits.language
    every = list(languages.wordings(concept, own))
    fitting = [said for said in every if _serves(said, wanted)]
    if any(_same(said.value, display) for said in fitting):
        return None
    name = f"{system.edition.url}#{concept.code}"
    asked = wanted.text or "--"
    severity = "warning" if lenient else "error"
    if fitting:
        text = (
            f"Wrong Display Name '{display}' for {name}. Valid display is {_choices(fitting)}"
            f" (for the language(s) '{asked}')"
        )
        id = "Display_Name_for__should_be_one_of__instead_of"
        return Issue(severity, "invalid", "invalid-display", id, text, place)
    if _same(concept.display, display):
        text = (
            f"There are no valid display names found for the code {name} for language(s) '{asked}'."
            f" The display is '{concept.display}' which is a valid display for the default language"
        )
        id = "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK"
        return Issue("information", "invalid", "invalid-display", id, text, place)
    text = (
        f"Wrong Display Name '{display}' for {name}. There are no valid display names found for"
        f" language(s) '{asked}'. Default display is '{concept.display}'"
    )
    return Issue(severity, "invalid", "invalid-display", "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR", text, place)


def _serves(said: Designation, wanted: Languages) -> bool:
    if not languages.is_name(said):
        return False
    if not wanted.wanted or not said.language:
        return True
    return any(languages.matches(one, said.language) for one in wanted.wanted)


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _choices(fitting: list[Designation]) -> str:
    named = [f"'{said.value}'" + (f" ({said.language})" if said.language else "") for said in fitting]
    named = list(dict.fromkeys(named))
    return named[0] if len(named) == 1 else f"one of {len(named)} choices: {' or '.join(named)}"
