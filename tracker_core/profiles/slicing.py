"""Repetitions divided into slices by their discriminators (R4 5.1.0.12)."""

from tracker_core.fhirpath import Failed, Node
from tracker_core.profiles.rules import Discriminator, Rule, Slicing
from tracker_core.profiles.values import asked, has_pattern
from tracker_core.profiles.visit import Visit, codings


def divided(visit: Visit, nodes: list[Node], rule: Rule) -> list[str]:
    """Return for each node the name of the slice it belongs to, empty for none."""
    slicing = rule.slicing
    assert slicing is not None
    return [
        next((name for name, one in rule.slices.items() if belongs(visit, node, one, slicing)), "") for node in nodes
    ]


def belongs(visit: Visit, node: Node, one: Rule, slicing: Slicing) -> bool:
    """Tell whether a node is of a slice: every discriminator says so. Without any, nothing is of any slice."""
    found = slicing.discriminators
    return bool(found) and all(_MATCHES[each.type](visit, node, one, each) for each in found)


def check_slices(visit: Visit, rule: Rule, names: list[str], where: str, places: list[str]) -> None:
    """Note slices that are there too often or not often enough, in the wrong order, or what is in none.

    `places` are where the nodes stand.
    """
    slicing = rule.slicing
    assert slicing is not None
    for name, one in rule.slices.items():
        count = names.count(name)
        if count < one.least:
            visit.note("required", f"the slice {name} is missing: at least {one.least}, found {count}", where)
        if count > one.most:
            visit.note("structure", f"the slice {name} is there {count} times, at most {one.most}", where)
    if not slicing.discriminators:
        return
    known = list(rule.slices)
    order = [known.index(name) for name in names if name]
    if slicing.ordered and order != sorted(order):
        visit.note("structure", f"the slices come in the order {', '.join(known)}", where)
    for number, (name, at) in enumerate(zip(names, places, strict=True)):
        if not name and slicing.rules == "closed":
            visit.note("structure", f"it is none of the slices {', '.join(known)}, and others are not allowed", at)
        if not name and slicing.rules == "openAtEnd" and any(names[number:]):
            visit.note("structure", "what is in no slice comes at the end", at)


def _looked_at(visit: Visit, node: Node, each: Discriminator) -> list[Node]:
    try:
        found = each.expression.on(node, visit.context(node))
    except Failed:
        return []
    return [one for one in found if isinstance(one, Node)]


def _steps(path: str) -> list[str]:
    return [] if path == "$this" else path.split(".")


def _below(visit: Visit, one: Rule, path: str) -> list[Rule]:
    """Return the rules of a slice at a discriminator's path; those of the types' profiles where it has none."""
    at = [one]
    for step in _steps(path):
        if step == "resolve()" or step.startswith("ofType("):
            continue
        if step.startswith("extension("):
            url = step.removeprefix("extension(").strip("'\")")
            held = [slice_ for rule in at for slice_ in rule.children.get("extension", Rule("")).slices.values()]
            at = [rule for rule in held if any(url in kind.profiles for kind in rule.types.values())] or held
            continue
        at = [child for rule in at for child in _children(visit, rule, step)]
    return at


def _children(visit: Visit, rule: Rule, name: str) -> list[Rule]:
    own = rule.children.get(name) or rule.children.get(f"{name}[x]")
    if own is not None:
        return [own, *own.slices.values()]
    profiles = [visit.world.library.profile(url) for kind in rule.types.values() for url in kind.profiles]
    found = [one.rule.children.get(name) or one.rule.children.get(f"{name}[x]") for one in profiles if one]
    return [one for one in found if one is not None]


def _value(visit: Visit, node: Node, one: Rule, each: Discriminator) -> bool:
    """`value` and `pattern`: what is there has what the slice fixes, at the path or around it."""
    rules = _below(visit, one, each.path)
    found = _looked_at(visit, node, each)
    tests = [rule for rule in rules if rule.fixed or rule.pattern or _required(rule)]
    if tests:
        return any(_has(visit, value, rule) for value in found for rule in tests)
    # The slice says it as a whole: a pattern above the path, or the url of the extension's profile.
    return _has(visit, node, one) if one.fixed or one.pattern else _by_parent(visit, node, one, each)


def _by_parent(visit: Visit, node: Node, one: Rule, each: Discriminator) -> bool:
    steps = _steps(each.path)
    for count in range(len(steps) - 1, 0, -1):
        above = [rule for rule in _below(visit, one, ".".join(steps[:count])) if rule.fixed or rule.pattern]
        if above:
            at = [node]
            for step in steps[:count]:
                at = [child for place in at for child in place.children(step)]
            return any(_has(visit, place, rule) for place in at for rule in above)
    return False


def _required(rule: Rule) -> bool:
    return rule.binding is not None and rule.binding.strength == "required"


def _has(visit: Visit, node: Node, rule: Rule) -> bool:
    if rule.fixed:
        return bool(node.value == rule.fixed[0])
    if rule.pattern:
        return has_pattern(node.value, rule.pattern[0])
    held = codings(node)
    return rule.binding is not None and bool(held) and asked(visit, rule.binding.value_set, held) == "in"


def _exists(visit: Visit, node: Node, one: Rule, each: Discriminator) -> bool:
    found = bool(_looked_at(visit, node, each))
    rules = _below(visit, one, each.path)
    if any(rule.most == 0 for rule in rules):
        return not found
    return found if any(rule.least for rule in rules) else False


def _type(visit: Visit, node: Node, one: Rule, each: Discriminator) -> bool:
    rules = _below(visit, one, each.path)
    wanted = {code for rule in rules for code in _types(visit, rule, each)}
    return any(value.kind in wanted or "Resource" in wanted for value in _looked_at(visit, node, each))


def _types(visit: Visit, rule: Rule, each: Discriminator) -> set[str]:
    if "resolve()" not in each.path:
        return set(rule.types)
    urls = [url for kind in rule.types.values() for url in kind.targets]
    profiles = [visit.world.library.profile(url) for url in urls]
    return {one.type for one in profiles if one is not None}


def _profile(visit: Visit, node: Node, one: Rule, each: Discriminator) -> bool:
    rules = _below(visit, one, each.path)
    kinds = [kind for rule in rules for kind in rule.types.values()]
    urls = [url for kind in kinds for url in (kind.targets if "resolve()" in each.path else kind.profiles)]
    if not urls and "resolve()" not in each.path:
        return any(value.kind in rule.types for value in _looked_at(visit, node, each) for rule in rules)
    return any(visit.conforms(value, url) for value in _looked_at(visit, node, each) for url in urls)


_MATCHES = {"value": _value, "pattern": _value, "exists": _exists, "type": _type, "profile": _profile}
