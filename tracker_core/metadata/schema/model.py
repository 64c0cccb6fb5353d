"""What a description of a metadata type is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "text",
    "texts",
    "boolean",
    "integer",
    "integers",
    "number",
    "date",
    "datetime",
    "enum",
    "enums",
    "color",
    "email",
    "url",
    "phone",
    "password",
    "geometry",
    "json",
    "ref",
    "refs",
    "part",
    "parts",
]
Default = bool | int | str | None
MANY = ("texts", "integers", "enums", "refs", "parts")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a type.

    `owner`: stored with the object; otherwise it is computed when read, and ignored when written. `target` is the
    collection that a `ref` refers to, or the type that a `part` is made of. `mirror` is the property of the target that
    is the other side of the bond: where both sides are owners, an import keeps them equal; where this one is not, it is
    what the mirror says, read backwards. `loose` references may lead nowhere. `low` and `high` bound the length of a
    text, the value of a number, the size of a list. `default` is what a new object gets; for a `ref` the name of the
    object, as in `default` of the category model.
    """

    name: str
    kind: Kind
    owner: bool = True
    required: bool = False
    unique: bool = False
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()
    target: str = ""
    mirror: str = ""
    default: Default = None
    loose: bool = False

    @property
    def many(self) -> bool:
        """Tell whether its value is a list."""
        return self.kind in MANY

    @property
    def bond(self) -> bool:
        """Tell whether the reference stands on both sides."""
        return self.owner and bool(self.mirror)


@dataclass(frozen=True, slots=True)
class Authorities:
    """Which authorities allow what; any one of them suffices, and none named means none needed."""

    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Type:
    """A metadata type, or a `part`: a shape that only lives inside of objects (`collection` is its name then).

    `klass` is DHIS2's class, as reports name it. Types `within` a property of another one (`programStages`,
    `programStageDataElements`) have an identity and a collection, but are stored inside their owner's document.
    `own` types are the hub's: they are imported, and no part of the API. `repeated_codes`: codes are unique within
    their owner only.
    """

    collection: str
    singular: str
    klass: str
    properties: Mapping[str, Property]
    part: bool = False
    own: bool = False
    nameable: bool = False
    shareable: bool = False
    data_shareable: bool = False
    translatable: bool = True
    repeated_codes: bool = False
    within: tuple[str, str] | None = None
    authorities: Authorities = field(default_factory=Authorities)

    @property
    def name(self) -> str:
        """DHIS2's short name of the class (`ProgramStage`)."""
        return self.klass.rpartition(".")[2]

    def of_kind(self, *kinds: Kind) -> list[Property]:
        """Return its stored properties of these kinds."""
        return [p for p in self.properties.values() if p.owner and p.kind in kinds]
