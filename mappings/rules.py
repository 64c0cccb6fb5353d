"""One row compiled for ER7: how it reads a segment (or the parts of a value) into a document, and how it writes back.

A segment is a list whose item n is field n. Reading is for fresh documents: what is there already wins, lists append.
Writing compares readings first: a place whose reading is what is wanted is not touched (`quiet write`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mappings.codecs.codec import Codec
from mappings.er7 import NULL, escape, unescape
from mappings.fields import Left, Segment, field_text, piece, set_field, with_part
from mappings.paths import Path, stamper
from mappings.places import MISSING, Doc, ListPlace, Place
from mappings.rows import Row
from mappings.scope import Scope, Unfit

Read = Callable[[str, Scope], Any]
Write = Callable[[Any, Scope, str], str | None]
Part = Callable[[str, Scope], str]
Reader = Callable[[Segment, Doc, Scope], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled test. `text(segment, scope)` is the head of the tested field."""

    left: Left
    part: Part
    values: frozenset[str]
    first: str
    negated: bool

    def text(self, segment: Segment, scope: Scope) -> str:
        """Return what the tested place holds, null counting as nothing."""
        found = self.part(field_text(segment, self.left.fields[0]), scope)
        if not found:
            return ""
        head = piece(piece(found, scope.marks[0], 0), scope.marks[self.left.depth], 0)
        return "" if head == NULL else head

    def holds(self, segment: Segment, scope: Scope) -> bool:
        """Tell whether the test holds."""
        found = self.text(segment, scope)
        return (found in self.values if self.values else bool(found)) is not self.negated

    def establish(self, segment: Segment, scope: Scope) -> bool:
        """Make the test hold where a value can be written for it; tell whether it holds."""
        if self.holds(segment, scope):
            return True
        if not self.first or self.negated or self.left.inner:
            return False
        set_field(segment, self.left.fields[0], escape(self.first, scope.encoding))
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One compiled row. Exactly one of `place` and `items` is set; `top` is the depth of a whole field's value.

    `part(text, scope)` takes the row's own part out of a field's value; `read_value(text, scope)` reads that part
    through the codec and `write_value(value, scope, old)` writes it. `shares` is true when another row of the table
    writes the same left: the first that has a value writes it.
    """

    row: Row
    left: Left | None
    codec: Codec
    conditions: tuple[Condition, ...]
    place: Place | None
    items: ListPlace | None
    top: int
    part: Part
    read_value: Read
    write_value: Write
    shares: bool = False

    def holds(self, segment: Segment, scope: Scope) -> bool:
        """Tell whether every test of the row holds."""
        return all(condition.holds(segment, scope) for condition in self.conditions)


def path_of(rule: Rule) -> Path:
    """Return the right side of a row."""
    return rule.place.path if rule.place else rule.items.path  # type: ignore[union-attr] # one of the two is set


def decode_text(codec: Codec, depth: int) -> Read:
    """Return the function that reads one ER7 value at `depth` through `codec`."""
    decode = codec.decode
    if codec.form == "raw":
        return lambda text, scope: decode(text, scope, None)
    if codec.form == "text":
        return lambda text, scope: decode(unescape(text, scope.encoding), scope, None)

    def head(text: str, scope: Scope) -> Any:
        for mark in scope.marks[depth:]:
            text = text.split(mark, 1)[0]
        if not text or text == NULL:
            return MISSING
        return decode(unescape(text, scope.encoding), scope, None)

    return head


def encode_text(codec: Codec) -> Write:
    """Return the function that writes one value as ER7 text through `codec`; None for what it cannot say."""
    encode = codec.encode
    if codec.form == "raw":
        return encode

    def write(value: Any, scope: Scope, old: str) -> str | None:
        text = encode(value, scope, unescape(old, scope.encoding))
        return None if text is None else escape(text, scope.encoding)

    return write


def compile_reader(rule: Rule) -> Reader:
    """Return the function that reads the row; it tells whether the row found anything."""
    if rule.row.constant is not None:
        return constant_reader(rule, rule.row.constant)
    assert rule.left is not None
    if rule.codec.form == "fields":
        return fields_reader(rule, rule.left)
    return list_reader(rule, rule.left) if rule.items else scalar_reader(rule, rule.left)


def constant_reader(rule: Rule, text: str) -> Reader:
    """Read a constant with tests: it fills what is still empty and makes no record by itself."""
    place, codec = rule.place, rule.codec
    assert place is not None

    def read(segment: Segment, doc: Doc, scope: Scope) -> bool:
        if place.get(doc) is MISSING and rule.holds(segment, scope):
            place.put(doc, codec.decode(text, scope, None))
        return False

    return read


def fields_reader(rule: Rule, left: Left) -> Reader:
    """Read a codec over several fields."""
    place, decode, row = rule.place, rule.codec.decode, rule.row
    assert place is not None

    def read(segment: Segment, doc: Doc, scope: Scope) -> bool:
        texts = [field_text(segment, index) for index in left.fields]
        if not any(texts) or not rule.holds(segment, scope):
            return False
        scope.row = row
        start = len(scope.issues)
        try:
            value = decode(texts, scope, None)
        except Unfit as unfit:
            fail(rule, unfit, "|".join(texts), scope)
            value = MISSING
        if len(scope.issues) > start:
            scope.locate(start, f"{scope.where}{left.text[3:]}")
        if value is MISSING:
            return False
        if place.get(doc) is MISSING:
            place.put(doc, value)
        return True

    return read


def scalar_reader(rule: Rule, left: Left) -> Reader:
    """Read one field into one place: the first repetition that has a value."""
    place, row, index = rule.place, rule.row, left.fields[0]
    assert place is not None
    get, put, conditions, top = place.get, place.put, rule.conditions, rule.top
    read_value, part = rule.read_value, rule.part if left.inner else None

    def read(segment: Segment, doc: Doc, scope: Scope) -> bool:
        text = segment[index] if index < len(segment) else ""
        if not text or (conditions and not rule.holds(segment, scope)):
            return False
        scope.row = row
        if text == NULL:
            return top == 1 and clear(rule, doc, scope)
        for number, repetition in enumerate(repetitions(text, top, scope), 1):
            value = attempt(rule, read_value, part(repetition, scope) if part else repetition, scope, number)
            if value is not MISSING:
                if get(doc) is MISSING:
                    put(doc, value)
                return True
        return False

    return read


def list_reader(rule: Rule, left: Left) -> Reader:
    """Read every repetition of one field into a list."""
    items, row, index = rule.items, rule.row, left.fields[0]
    assert items is not None
    add, conditions, top = items.add, rule.conditions, rule.top
    read_value, part = rule.read_value, rule.part if left.inner else None

    def read(segment: Segment, doc: Doc, scope: Scope) -> bool:
        text = segment[index] if index < len(segment) else ""
        if not text or (conditions and not rule.holds(segment, scope)):
            return False
        scope.row = row
        if text == NULL:
            return top == 1 and clear(rule, doc, scope)
        found = False
        for number, repetition in enumerate(repetitions(text, top, scope), 1):
            value = attempt(rule, read_value, part(repetition, scope) if part else repetition, scope, number)
            if value is not MISSING:
                add(doc, value)
                found = True
        return found

    return read


def repetitions(text: str, top: int, scope: Scope) -> Sequence[str]:
    """Return the repetitions of a field; the parts of a value do not repeat."""
    return text.split(scope.marks[0]) if top == 1 else (text,)


def attempt(rule: Rule, read_value: Read, text: str, scope: Scope, number: int) -> Any:
    """Read one value; a value that does not fit yields an issue and `MISSING`."""
    if not text or text == NULL:
        return MISSING
    start = len(scope.issues)
    try:
        value = read_value(text, scope)
    except Unfit as unfit:
        fail(rule, unfit, text, scope)
        value = MISSING
    if len(scope.issues) > start:
        again = f"[{number}]" if number > 1 else ""
        scope.locate(start, f"{scope.where}{rule.row.left[3:]}{again}" if rule.top == 1 else rule.row.left)
    return value


def fail(rule: Rule, unfit: Unfit, value: str, scope: Scope) -> None:
    """Add the issue of a row that failed: table, line, left, right, value and reason."""
    if not scope.quiet:
        scope.issues.append(unfit.issue("warning", "", value, str(rule.row)))


def clear(rule: Rule, doc: Doc, scope: Scope) -> bool:
    """Note in the change that the sender deletes the row's place: the items of a selector, or the element."""
    path = path_of(rule)
    chosen = next((step for step in path.steps if step.keys), None)
    if chosen is None:
        if rule.place is None:
            doc.setdefault(path.list_name, None)
        elif rule.place.get(doc) is MISSING:
            rule.place.put(doc, None)
        return True
    if chosen is not path.steps[0]:
        return False
    example: Doc = {}
    stamper(chosen.keys)(example)
    scope.clears.append((chosen.name, example))
    return True


def read_place(rule: Rule, text: str, scope: Scope) -> Any:
    """Return what a scalar row reads in `text`, without issues."""
    if not text or text == NULL:
        return MISSING
    for repetition in repetitions(text, rule.top, scope):
        found = attempt(rule, rule.read_value, rule.part(repetition, scope), scope, 1)
        if found is not MISSING:
            return found
    return MISSING


def write_scalar(rule: Rule, segment: Segment, record: Doc, scope: Scope) -> bool:
    """Write one place into its field unless its reading is already right; tell whether the field says it now."""
    assert rule.place is not None
    assert rule.left is not None
    left, index = rule.left, rule.left.fields[0]
    wanted, text = rule.place.get(record), field_text(segment, index)
    current = read_place(rule, text, scope) if rule.holds(segment, scope) else MISSING
    if wanted is MISSING or wanted is None:
        if current is not MISSING:
            set_field(segment, index, with_part(text, "", left, rule.top, scope))
        return False
    if current == wanted:
        return True
    first, *others = repetitions("" if text == NULL else text, rule.top, scope)
    new = rule.write_value(wanted, scope, rule.part(first, scope))
    if new is None:
        return False
    alone = with_part("", new, left, rule.top, scope)
    if current is not MISSING and read_place(rule, alone, scope) == current:
        return True
    if not establish(rule, segment, scope):
        return False
    set_field(segment, index, scope.marks[0].join([with_part(first, new, left, rule.top, scope), *others]))
    return True


def establish(rule: Rule, segment: Segment, scope: Scope) -> bool:
    """Make every test of a row hold where that can be done; tell whether they hold."""
    made = [condition.establish(segment, scope) for condition in rule.conditions]
    return all(made)


def write_fields(rule: Rule, segment: Segment, record: Doc, scope: Scope) -> bool:
    """Write a codec over several fields."""
    assert rule.place is not None
    assert rule.left is not None
    indexes = rule.left.fields
    texts = [field_text(segment, index) for index in indexes]
    wanted = rule.place.get(record)
    current = attempt_fields(rule, texts, scope)
    if wanted is MISSING or wanted is None:
        new = texts if current is MISSING or current is None else ["" for _ in texts]
    elif current == wanted:
        return True
    else:
        new = rule.codec.encode(wanted, scope, texts)
        if new is None or (current is not MISSING and attempt_fields(rule, new, scope) == current):
            return True
    for index, text in zip(indexes, new, strict=True):
        set_field(segment, index, text)
    return wanted is not MISSING


def attempt_fields(rule: Rule, texts: list[str], scope: Scope) -> Any:
    """Return what a codec over several fields reads, without issues."""
    try:
        return rule.codec.decode(texts, scope, None) if any(texts) else MISSING
    except Unfit:
        return MISSING
