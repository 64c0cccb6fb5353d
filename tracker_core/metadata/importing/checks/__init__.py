"""What an import checks before it writes, one function per kind of fault, with the codes that each may give.

`tracker_core.metadata.importing.codes` says of every code of DHIS2 who gives it; a test holds the two together.
"""

from collections.abc import Callable, Iterator

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata.importing.checks import (
    attribute_values,
    identities,
    programs,
    properties,
    references,
    rules,
    shared,
    views,
)
from tracker_core.metadata.importing.incoming import Key, Prospect
from tracker_core.metadata.importing.options import Options

_VALUES = "E6004 E6005 E6006 E6007 E6008 E6009 E6010 E6011 E6013 E6014 E6015 E6016 E6017 E6018 E6019 E6020 E6021"
_ACTIONS = "E4036 E4037 E4038 E4039 E4040 E4041 E4042 E4043 E4044 E4045 E4046 E4050"
Check = Callable[[Prospect], Iterator[Issue]]

# Checks that always hold, and those that `skipValidation` leaves out.
IDENTITY: tuple[tuple[str, Check], ...] = (
    ("E5004", identities.repeated),
    ("E5003", identities.taken),
    ("E5002 E6022 E4061", references.dangling),
)
VALIDATION: tuple[tuple[str, Check], ...] = (
    ("E4000 E4001 E4002 E4003 E4004 E4006 E4008 E4014 E4027", properties.check),
    (f"E4009 E4011 E6012 {_VALUES}", attribute_values.check),
    ("E3010 E3011", shared.sharing),
    ("E1106", shared.translations),
    (f"E4033 E4034 E4035 {_ACTIONS}", rules.actions),
    ("E4051 E4052 E4089 E4091", rules.variables),
    ("E4057", rules.rules),
    ("E4053 E6001", programs.stages),
    ("E4019 E4021", programs.patterns),
    ("E4028", programs.options),
    ("E4070", views.dashboards),
    ("E4062 E4063 E4064 E4065 E4066 E4067 E4068", views.working_lists),
    ("E4300 E4301 E4302 E4310 E4311", views.sql_views),
)
# Given where a payload is taken apart, where the strategy is looked at, by who may do what, by deletions, by data.
BESIDE = "E6023 E5000 E5001 E3000 E3001 E3002 E3008 E3009 E5008 E4030 E1121"


def find_issues(session: Session, prospect: Prospect, options: Options) -> list[Issue]:
    """Return every issue of the objects to be written."""
    references.look_up_users(session, prospect)
    found = list(identities.allowed(prospect, options.strategy))
    found += _guarded(prospect, options)
    found += _risen(prospect, options)
    checks = IDENTITY if options.skip_validation else (*VALIDATION, *IDENTITY)
    found += [issue for _, check in checks for issue in check(prospect)]
    found += programs.value_types(session, prospect)
    if not options.atomic:
        found += _following(prospect, found)
    return found


def _guarded(prospect: Prospect, options: Options) -> Iterator[Issue]:
    """Yield what the user may not do: change an object, or refer to one that is not shared with the user."""
    guard = options.guard
    if guard is None:
        return
    for item in prospect.items:
        if item.implied or item.action == "unchanged":
            continue
        for code, arguments in guard.denials(item.type, item.stored, item.doc):
            yield item.fault(code, *arguments)
        yield from references.hidden(prospect, item, guard)


def _risen(prospect: Prospect, options: Options) -> Iterator[Issue]:
    """Yield the roles that give, or gave, an authority which the user has not: nobody rises by writing roles."""
    if options.user is None or "ALL" in options.user.authorities:
        return
    for item in prospect.of("userRoles"):
        given = {name for doc in (item.doc, item.stored or {}) for name in doc.get("authorities") or ()}
        if item.action != "unchanged" and not given <= options.user.authorities:
            code, named = ("E3001", str(item.doc.get("name"))) if item.stored else ("E3000", item.type.name)
            yield item.fault(code, options.user.username, named)


def _following(prospect: Prospect, found: list[Issue]) -> list[Issue]:
    """Return what is wrong with objects only because others are refused."""
    more: list[Issue] = []
    refused: set[Key] = set()
    while True:
        wrong = {issue.where for issue in (*found, *more)}
        now = {item.key for item in prospect.items if item.where in wrong}
        if now == refused:
            return more
        refused = now
        more += references.orphaned(prospect, refused)
