"""Trees grown from differentials against the snapshots that HL7's publisher made of the same profiles."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracker_core.profiles import Library
from tracker_core.profiles.rules import Rule
from tracker_core.records import documents

Difference = tuple[str, str, Any, Any]


def profiles(package: Path) -> dict[str, dict[str, Any]]:
    """The structure definitions of a package by url."""
    found = {}
    with tarfile.open(package) as archive:
        for member in archive:
            opened = archive.extractfile(member)
            if member.name.startswith("package/StructureDefinition-") and opened is not None:
                document = documents.decode(opened.read())
                found[document["url"]] = document
    return found


def said(rule: Rule) -> dict[str, Any]:
    """What a rule says of its element; publishers pin R4's version or don't, and write the type of ids in two ways."""
    types = {code: sorted(url.removesuffix("|4.0.1") for url in kind.targets) for code, kind in rule.types.items()}
    profiles = {code: kind.profiles for code, kind in rule.types.items() if kind.profiles}
    made = {
        "cardinality": (rule.least, rule.most),
        "values": (rule.fixed, rule.pattern, rule.low, rule.high, rule.length),
        "types": {} if rule.name == "id" else types,
        "profiles": profiles,
        "binding": rule.binding,
        "invariants": sorted(one.key for one in rule.invariants if one.key != "ext-1"),
    }
    return {key: str(value).replace("|4.0.1", "") for key, value in made.items()}


def differences(place: str, published: Rule, grown: Rule) -> Iterator[Difference]:
    """Yield where a grown rule says something else than the published one."""
    left, right = said(published), said(grown)
    # The publisher leaves some of what is said of a sliced element out of its slices; ours repeat it.
    kept = {"profiles", "invariants"} if ":" in place.rpartition(".")[2] else set()
    yield from ((place, key, left[key], right[key]) for key in left.keys() - kept if left[key] != right[key])
    for name, rule in published.children.items():
        if grown.children and name not in grown.children:
            yield place, "child", name, list(grown.children)
        elif name in grown.children:
            yield from differences(f"{place}.{name}", rule, grown.children[name])
    for name, rule in published.slices.items():
        if name not in grown.slices:
            yield place, "slice", name, list(grown.slices)
        else:
            yield from differences(f"{place}:{name}", rule, grown.slices[name])


def test_grown_trees_are_the_published_snapshots(ips_package: Path) -> None:
    """Without its snapshots, every profile of the International Patient Summary says the same."""
    held = profiles(ips_package)
    bare = {url: {key: value for key, value in one.items() if key != "snapshot"} for url, one in held.items()}
    published, grown = Library(lambda url, _: held.get(url)), Library(lambda url, _: bare.get(url))
    compared = 0
    for url, one in held.items():
        if one.get("derivation") == "constraint":
            left, right = published.profile(url), grown.profile(url)
            assert left is not None
            assert right is not None
            assert list(differences(one["type"], left.rule, right.rule)) == []
            compared += 1
    assert compared == 29
