"""The parameters of terminology operations (R4 `$expand`, `$validate-code`, with the R5 names that clients send)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from terminology.languages import Languages, read_languages
from terminology.library import Document, Versions, split
from terminology.problems import Problem

_FLAGS = {
    "activeOnly",
    "excludeNested",
    "includeDesignations",
    "includeDefinition",
    "abstract",
    "inferSystem",
    "lenient-display-validation",
    "valueset-membership-only",
    "reverse",
}


@dataclass(slots=True)
class Request:
    """A read request. `echo` are what an expansion repeats, `shared` what a batch says for all of its parts."""

    single: dict[str, Any] = field(default_factory=dict)
    many: dict[str, list[Any]] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    echo: list[dict[str, Any]] = field(default_factory=list)
    shared: list[dict[str, Any]] = field(default_factory=list)

    def text(self, name: str) -> str:
        """Return a parameter as text, empty when it was not given."""
        return str(self.single.get(name, "") or "")

    def flag(self, name: str) -> bool:
        """Tell whether a parameter says true."""
        return self.flags.get(name, False)

    def number(self, name: str) -> int | None:
        """Return a whole number, None when it was not given. Raises `Problem` when it is none, or below zero."""
        value = self.single.get(name)
        if value is None:
            return None
        if not str(value).isdigit():
            raise Problem.bad_request(f"{name} must be a whole number, not {value!r}")
        return int(value)

    @property
    def resources(self) -> list[Document]:
        """Return the resources that come with the request."""
        return self.many.get("tx-resource", [])

    @property
    def versions(self) -> Versions:
        """Return the version rules."""
        return Versions(
            default=self._canonicals("system-version"),
            check=self._canonicals("check-system-version"),
            force=self._canonicals("force-system-version"),
            value_sets=self._canonicals("default-valueset-version"),
            supplements=tuple(str(one) for one in self.many.get("useSupplement", [])),
        )

    def languages(self, accepted: str = "", fallback: str = "") -> Languages:
        """Return the languages asked for: by parameter, else by Accept-Language, else `fallback`."""
        return read_languages(self.text("displayLanguage") or accepted or fallback)

    def _canonicals(self, name: str) -> dict[str, str]:
        return dict(split(str(one)) for one in self.many.get(name, []))


_ECHOED = (
    "activeOnly", "count", "default-valueset-version", "designation", "excludeNested", "filter", "offset", "property",
    "includeDesignations", "includeDefinition", "displayLanguage",
    "system-version", "check-system-version", "force-system-version",
)  # fmt: skip

# What `$expand` reads, as TerminologyCapabilities tells it.
EXPANSION = frozenset({*_ECHOED, "tx-resource", "useSupplement", "valueSetVersion"})


def read_request(parameters: Iterable[dict[str, Any]]) -> Request:
    """Read the parts of a Parameters resource, values of whatever type FHIR or its clients give them."""
    request = Request()
    for one in parameters:
        name = one.get("name", "")
        key = next((k for k in one if k.startswith("value")), "")
        value = one.get(key) if key else one.get("resource", one.get("part"))
        if value is None:
            continue
        if name not in ("validation", "tx-resource"):
            request.shared.append(one)
        request.single.setdefault(name, value)
        request.many.setdefault(name, []).append(value)
        if name in _FLAGS:
            request.flags[name] = value is True or (key != "valueBoolean" and value == "true")
        if name in _ECHOED and key:
            kind = "valueUri" if key == "valueCanonical" else key
            request.echo.append({"name": name, kind: value})
    return request
