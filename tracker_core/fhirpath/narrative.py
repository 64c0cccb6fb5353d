"""What XHTML a narrative may be made of (FHIR R4 2.4.0, txt-1 and txt-2)."""

from html.parser import HTMLParser

_ALLOWED = frozenset(
    "div p br hr h1 h2 h3 h4 h5 h6 span b i em strong small big tt dfn code samp kbd var cite abbr acronym q blockquote"
    " pre sub sup ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr th td a img address ins del bdo u s"
    " strike font center".split()
)
_ATTRIBUTES = frozenset(
    "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset"
    " cite class color colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name"
    " nowrap rel rev rowspan rules scope shape"
    " span src start style summary tabindex title type valign value vspace width"
    " xmlns xml:lang".split()
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.right = True
        self.said = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        script = any((value or "").strip().lower().startswith("javascript:") for _, value in attrs)
        self.right &= tag in _ALLOWED and not script and all(name in _ATTRIBUTES for name, _ in attrs)
        self.said |= tag == "img"

    def handle_data(self, data: str) -> None:
        self.said |= bool(data.strip())


def is_narrative(text: str) -> bool:
    """Tell whether a `div` holds something to read, and nothing but the formatting that a narrative may have."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.right and reader.said
