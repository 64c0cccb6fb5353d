"""Two hundred invented persons and their visits on one day: the same for the same seed, and nobody real."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

ZONE = timezone(timedelta(hours=2))
PERSONS = 200
KNOWN_TWICE = 50
WITHOUT_NATIONAL_ID = 12

FAMILIES = (
    "Abara Adeyo Bahiru Banele Chirwa Dlodlo Ekwall Fofanah Gondwe Hakim Ibori Jallow Kamara Lungu Mbewe Nakato"
    " Odhiran Phiri Qwabe Sesay Tembo Uwera Vundla Wanjiru Yeboah Zulwa"
).split()
WOMEN = "Abena Chipo Dalia Esi Fatou Grace Hawa Imani Joyah Kadi Lindiwe Mercy Naomi Olu Precious Rehema Sade".split()
MEN = "Abdou Blessing Chanda Dawit Emeka Farai Gift Hassan Issa Jabu Kwame Lamin Musa Njoro Osei Peter Sipho".split()


@dataclass(frozen=True, slots=True)
class Facility:
    """A place of care: an org unit of the hub and a sender of messages. `system` is the format it speaks."""

    code: str
    uid: str
    name: str
    system: str


# The day's facilities, by the system each of them runs.
FACILITIES = (
    Facility("KIV-DH", "KivDHosp001", "Kivu District Hospital", "fhir"),
    Facility("KIV-LAB", "KivDLab0002", "Kivu Reference Laboratory", "hl7v2"),
    Facility("KIV-HC1", "KivHC100003", "Lakeside Health Centre", "hl7v2"),
    Facility("KIV-HC2", "KivHC200004", "Hillside Health Centre", "emr"),
    Facility("KIV-HC3", "KivHC300005", "Riverside Health Post", "dhis2"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person. `national_id` and `phone` may be empty."""

    number: int
    family: str
    given: str
    sex: str
    born: date
    national_id: str
    phone: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of one person, as one system records it; `local_id` is what that system calls the person."""

    id: str
    person: Person
    local_id: str
    facility: Facility
    start: datetime
    diagnoses: tuple[str, ...]
    temperature: Decimal
    weight: Decimal
    malaria_test: str = ""
    sputum_test: str = ""


@dataclass(slots=True)
class Day:
    """What arrives at the hub, by system."""

    persons: list[Person] = field(default_factory=list)
    visits: dict[str, list[Visit]] = field(default_factory=dict)

    @property
    def known_twice(self) -> int:
        """How many persons two systems know."""
        seen: dict[int, set[str]] = {}
        for system, visits in self.visits.items():
            for visit in visits:
                seen.setdefault(visit.person.number, set()).add(system)
        return sum(len(systems) > 1 for systems in seen.values())


def make_day(day: date, seed: int = 17) -> Day:
    """Return the district's day: every person visits once, some are seen by a second system the same day."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    persons = [_person(chance, number, day) for number in range(PERSONS)]
    made = Day(persons, {system: [] for system in ("fhir", "hl7v2", "emr", "dhis2")})
    for person in persons:
        first = chance.choice(FACILITIES)
        made.visits[first.system].append(_visit(chance, person, first, day, 1))
        if person.national_id and person.number < KNOWN_TWICE:
            others = [f for f in FACILITIES if f.system != first.system]
            second = chance.choice(others)
            made.visits[second.system].append(_visit(chance, person, second, day, 2))
    return made


def _person(chance: random.Random, number: int, day: date) -> Person:
    sex = chance.choice("FM")
    age_days = int(chance.triangular(20, 85 * 365, 12 * 365))
    return Person(
        number=number,
        family=chance.choice(FAMILIES),
        given=chance.choice(WOMEN if sex == "F" else MEN),
        sex=sex,
        born=day - timedelta(days=age_days),
        national_id="" if PERSONS - number <= WITHOUT_NATIONAL_ID else f"NID{700000 + number * 37}",
        phone=f"+260955{100000 + number * 431:06d}" if chance.random() < 0.8 else "",
    )


def _visit(chance: random.Random, person: Person, facility: Facility, day: date, nth: int) -> Visit:
    diagnoses, malaria, sputum = _diagnose(chance)
    feverish = diagnoses[0].startswith("B5")
    start = datetime(day.year, day.month, day.day, 7, tzinfo=ZONE) + timedelta(minutes=chance.randrange(600))
    return Visit(
        id=f"{facility.code}-{person.number:03d}-{nth}",
        person=person,
        local_id=f"{facility.code.partition('-')[2]}{1000 + person.number}",
        facility=facility,
        start=start,
        diagnoses=diagnoses,
        temperature=Decimal(f"{chance.uniform(38.0, 40.0) if feverish else chance.uniform(36.2, 37.4):.1f}"),
        weight=Decimal(f"{chance.uniform(8.0, 82.0):.2f}"),
        malaria_test=malaria,
        sputum_test=sputum,
    )


def _diagnose(chance: random.Random) -> tuple[tuple[str, ...], str, str]:
    """Return ICD-10 codes, the result of a malaria test and of a sputum test (empty when none was made)."""
    roll = chance.random()
    if roll < 0.28:
        return (chance.choice(("B50.9", "B54", "B51.9")),), "positive", ""
    if roll < 0.36:
        return (chance.choice(("A15.0", "A16.2")),), "", "positive"
    if roll < 0.46:
        return ("R50.9",), "negative", ""
    return (chance.choice(("J06.9", "A09.9", "I10", "E11.9", "S61.0", "L03.1", "Z34.9")),), "", ""
