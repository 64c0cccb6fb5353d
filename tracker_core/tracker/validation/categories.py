"""Checks of an event's attribute option combo: that it exists, belongs to the program, and may be used on that day."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TypeAlias

from tracker_core.metadata import CategoryOption
from tracker_core.tracker.rows import EventItem
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]


def combo_exists(item: EventItem, world: World) -> Found:
    """E1115: the attribute option combo exists."""
    combo = item.row.attribute_option_combo
    return [(combo,)] if combo and combo not in world.metadata.option_combos else ()


def options_exist(item: EventItem, world: World) -> Found:
    """E1116: the category options exist."""
    return [(uid,) for uid in _options(item) if uid not in world.metadata.category_options]


def combo_is_chosen(item: EventItem, world: World) -> Found:
    """E1055: a program with a category combo of its own wants one of its option combos, never the default."""
    known, program = world.metadata, item.program
    if program is None or known.is_default_combo(program.category_combo):
        return ()
    combo = known.option_combos.get(item.row.attribute_option_combo or "")
    missing = item.row.attribute_option_combo is None and not _options(item)
    return [()] if missing or (combo is not None and known.is_default_combo(combo.combo)) else ()


def combo_found(item: EventItem, world: World) -> Found:
    """E1117: the category options make one option combo, and it is the one that is named."""
    program, options = item.program, _options(item)
    if program is None or not options:
        return ()
    given, listed = item.row.attribute_option_combo, f"[{', '.join(options)}]"
    combo = world.metadata.option_combos.get(given or "")
    if given is None:
        return [(program.category_combo, listed)]
    return [(given, listed)] if combo is not None and combo.options != frozenset(options) else ()


def combo_of_program(item: EventItem, world: World) -> Found:
    """E1054: the option combo is one of the program's category combo."""
    known, program = world.metadata, item.program
    combo = known.option_combos.get(item.row.attribute_option_combo or "")
    if program is None or combo is None or combo.combo == program.category_combo or known.is_default_combo(combo.combo):
        return ()
    return [(combo.uid, program.category_combo)]


def option_has_begun(item: EventItem, world: World) -> Found:
    """E1056: the event is not before the first day of one of its category options."""
    day = _day(item, world)
    return [
        (day.isoformat(), option.start.isoformat(), option.name)
        for option in _chosen(item, world)
        if option.start and day < option.start
    ]


def option_has_not_ended(item: EventItem, world: World) -> Found:
    """E1057: the event is not after the last day of one of its category options, and the program's days of grace."""
    if item.program is None:
        return ()
    day, grace = _day(item, world), timedelta(days=item.program.days_after_options)
    return [
        (day.isoformat(), (option.end + grace).isoformat(), option.name, item.program.name)
        for option in _chosen(item, world)
        if option.end and day > option.end + grace
    ]


def _options(item: EventItem) -> list[str]:
    return list(item.change.fields.get("attributeCategoryOptions") or ())


def _chosen(item: EventItem, world: World) -> Iterable[CategoryOption]:
    known = world.metadata
    combo = known.option_combos.get(item.row.attribute_option_combo or "")
    found = (known.category_options.get(uid) for uid in sorted(combo.options)) if combo else ()
    return [option for option in found if option]


def _day(item: EventItem, world: World) -> date:
    return (item.row.occurred_at or item.row.scheduled_at or world.context.at).date()
