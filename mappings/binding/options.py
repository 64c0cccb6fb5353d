"""Options of a tracker value and the codes that mean them: a small table inside the binding file.

    concepts NAME SYSTEM
      OPTION code ["display"] [code ["display"]…]      a code of another system is written system|code

Read from a record, any code of the line gives the option; written to one, the first code is. The option `none` takes
codes that mean no option at all.
"""

from dataclasses import dataclass, field
from typing import Any

from mappings.naming import expand, expand_token
from mappings.paths import BadRow
from mappings.rows import Line

NONE = "none"


@dataclass(slots=True)
class OptionMap:
    """One table: `codings` by option, `options` by (system, code)."""

    name: str
    codings: dict[str, dict[str, str]] = field(default_factory=dict)
    options: dict[tuple[str, str], str] = field(default_factory=dict)

    def coding_of(self, option: str) -> dict[str, str] | None:
        """Return the preferred coding of an option, or None."""
        found = self.codings.get(option)
        return dict(found) if found else None

    def option_of(self, coding: dict[str, Any]) -> str | None:
        """Return the option of a coding, `none` for a code that means none, or None for an unknown one.

        A coding without system, as of a plain `code`, is looked up by its code.
        """
        return self.options.get((coding.get("system", ""), coding.get("code", "")))


def parse_options(name: str, system: str, lines: list[Line]) -> OptionMap:
    """Read the lines of one table. Raises `BadRow` for a code that means two options."""
    made = OptionMap(name)
    for line in lines:
        option, *tokens = line.words
        for word in tokens:
            if word.startswith('"'):
                made.codings[option].setdefault("display", word[1:-1])
            else:
                _add(made, option, word, expand(system))
    return made


def _add(made: OptionMap, option: str, token: str, default: str) -> None:
    system, code = expand_token(token)
    system = system or default
    for key in {(system, code), ("", code)}:
        if key in made.options and made.options[key] != option and key[0]:
            raise BadRow(f"{code} means both {made.options[key]} and {option}")
        made.options.setdefault(key, option)
    if option != NONE:
        made.codings.setdefault(option, {"system": system, "code": code})
