"""All that is wrong with a binding file, each with its line: the language itself stops at the first."""

import re

from mappings.binding.grammar import parse_binding
from mappings.paths import BadRow

_MOST = 50


def problems_of(text: str, name: str) -> list[str]:
    """Return what the language refuses in the file `name`, as `file:line: reason`, up to fifty.

    A line that is refused is left out and the rest looked at again, so one cause is named once.
    """
    found: list[str] = []
    lines = text.split("\n")
    while len(found) < _MOST:
        try:
            parse_binding("\n".join(lines), name)
        except BadRow as bad:
            found.append(str(bad))
            place = re.match(re.escape(name) + r":(\d+)", str(bad))
            number = int(place[1]) - 1 if place else -1
            if not 0 <= number < len(lines) or not lines[number] or _opens(lines, number):
                return found
            lines[number] = ""
        else:
            return found
    return found


def _opens(lines: list[str], number: int) -> bool:
    """Tell whether a line opens a section with lines of its own: without it, they would be wrong for no cause."""
    following = next((line for line in lines[number + 1 :] if line.strip()), "")
    return not lines[number].startswith((" ", "\t")) and following.startswith((" ", "\t"))
