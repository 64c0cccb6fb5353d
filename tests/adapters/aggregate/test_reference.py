"""The reference files: data value sets with their counts, and ADX documents with the values they mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Envelope
from tracker_core.context import User
from tracker_core.database import transaction

USER = User("UserAAAAAAA", "tester")
TYPES = {".json": "application/json", ".xml": "application/xml", ".csv": "application/csv"}
# What the cases of these names are about is not offered: sharing of metadata, and id schemes by attribute of org units.
ELEMENT = {"domainType": "AGGREGATE", "aggregationType": "SUM", "valueType": "NUMBER"}
BEYOND = ("Fail", "CategoryOptionWrite", "WithAttribute")


def accept(receiver: Any, file: Path, options: dict[str, str], content_type: str = "") -> dict[str, Any]:
    """Import a file; return its answer."""
    envelope = Envelope(content_type or TYPES[file.suffix], parameters=options)
    answer: dict[str, Any] = json.loads(receiver.accept("aggregate", file.read_bytes(), envelope, USER).answer)
    return answer


def stored(receiver: Any) -> int:
    """Count what is stored and not deleted."""
    with transaction(receiver.pool) as session:
        row = session.execute("select count(*) from aggregate_value where not deleted").fetchone()
    return int(row[0])


@pytest.fixture
def assumed(bare: Any, corpora: Path) -> Any:
    """A receiver with the objects that the data value sets assume."""
    context = json.loads((corpora / "aggregate" / "data-value-sets" / "context.json").read_text("utf-8"))
    elements = [
        {key: value for key, value in {**ELEMENT, **element, "shortName": element["name"]}.items() if value}
        for element in context["dataElements"]
        if element["id"] != "(any)"
    ]
    for element in elements:
        element.pop("customId", None)
    units = [{"id": u["id"], "code": u["code"], "name": u["code"]} for u in context["organisationUnits"]]
    for unit in units:
        unit["openingDate"] = "2000-01-01"
    members = [{"dataElement": {"id": e["id"]}} for e in elements if e.get("code")]
    (data_set,) = context["dataSets"]
    assigned = [{"id": units[0]["id"]}, {"id": units[2]["id"]}]
    combos = [{"id": c["id"], "code": c["code"], "name": c["code"]} for c in context["categoryOptionCombos"][:2]]
    option = {"id": "OptionAAAAA", "name": "Option A", "shortName": "A"}
    category = {"id": "CategoryAAA", "name": "Category A", "shortName": "A", "categoryOptions": [{"id": option["id"]}]}
    combo = {"id": "ComboAAAAAA", "name": "Combo A", "categories": [{"id": category["id"]}]}
    for one in combos:
        one |= {"categoryCombo": {"id": combo["id"]}, "categoryOptions": [{"id": option["id"]}]}
    payload = {
        "dataElements": elements,
        "organisationUnits": units,
        "dataSets": [
            {**data_set, "name": "Set A", "shortName": "A", "dataSetElements": members, "organisationUnits": assigned}
        ],
        "categoryOptions": [option],
        "categories": [category],
        "categoryCombos": [combo],
        "categoryOptionCombos": combos,
    }
    bare.load(payload)
    return bare


def test_reference_value_sets(assumed: Any, corpora: Path) -> None:
    """Every case of 2.42 that is within reach gives its counts, its conflicts with their positions, and its rows."""
    folder = corpora / "aggregate" / "data-value-sets"
    cases = json.loads((folder / "index.json").read_text("utf-8"))["cases"]
    ran = 0
    for case in cases:
        if "2.42" not in case or any(word in case["case"] for word in BEYOND):
            continue
        for n, step in enumerate(case["2.42"]):
            # The index leaves out what this one case is named for.
            missing = {"importStrategy": "DELETE"} if "DeleteStrategy" in case["case"] and n else {}
            answer = accept(assumed, folder / step["file"], step.get("options", missing))
            summary, where = answer["response"], (case["case"], step, answer)
            for name, count in step.get("importCount", {}).items():
                assert summary["importCount"][name] == count, where
            assert len(summary["conflicts"]) == step.get("conflicts", len(summary["conflicts"])), where
            if "conflictIndexes" in step:
                assert [c["indexes"] for c in summary["conflicts"]] == step["conflictIndexes"], where
            assert answer["status"] == step.get("status", answer["status"]), where
            assert stored(assumed) == step.get("storedValuesAfter", stored(assumed)), where
        ran += 1
        with transaction(assumed.pool) as session:
            session.execute("delete from aggregate_value")
    assert ran > 15


@pytest.fixture
def malaria(bare: Any, corpora: Path) -> Any:
    """A receiver with the objects that the ADX documents assume."""
    context = json.loads((corpora / "aggregate" / "adx" / "goldens" / "index.json").read_text("utf-8"))["context"]
    categories, options = [], {}
    for code, category in context["categories"].items():
        members = [{"code": key, "shortName": key, **option} for key, option in category["options"].items()]
        options |= {option["id"]: option for option in members}
        named = {"id": category["id"], "code": code, "name": category["name"], "shortName": code}
        categories.append({**named, "categoryOptions": [{"id": option["id"]} for option in members]})
    uids = {category["code"]: {"id": category["id"]} for category in categories}
    combos = [
        {"id": "AgeSexCombo", "name": "Age and sex", "categories": [uids["age"], uids["sex"]]},
        {"id": "MechanCombo", "name": "Mechanism", "categories": [uids["mechanism"]]},
    ]
    chosen = {
        "F_Under5": ("AgeSexCombo", "under555555", "FFFFFFFFFFF"),
        "M_Under5": ("AgeSexCombo", "under555555", "MMMMMMMMMMM"),
        "F_Over5": ("AgeSexCombo", "over5555555", "FFFFFFFFFFF"),
        "M_Over5": ("AgeSexCombo", "over5555555", "MMMMMMMMMMM"),
        "coc_PEPFAR": ("MechanCombo", "PEPFARRRRRR"),
        "coc_McDonalds": ("MechanCombo", "McDonaldsss"),
    }
    option_combos = [
        {
            "id": context["categoryOptionCombos"][code],
            "code": code,
            "name": code,
            "categoryCombo": {"id": combo},
            "categoryOptions": [{"id": option} for option in members],
        }
        for code, (combo, *members) in chosen.items()
    ]
    elements = [{**ELEMENT, "shortName": e["code"], **e} for e in context["dataElements"]]
    for element in elements:
        if element.pop("categoryCombo", ""):
            element["categoryCombo"] = {"id": "AgeSexCombo"}
    sets = [{"shortName": s["code"], **s} for s in context["dataSets"]]
    for item in sets:
        if item.pop("attributeCategoryCombo", ""):
            item["categoryCombo"] = {"id": "MechanCombo"}
        item["dataSetElements"] = [{"dataElement": {"id": e["id"]}} for e in elements]
    units = [{**u, "openingDate": "2000-01-01"} for u in context["organisationUnits"]]
    for unit in units:
        if "parent" in unit:
            unit["parent"] = {"id": unit["parent"]}
    bare.load(
        {
            "categories": categories,
            "categoryOptions": list(options.values()),
            "categoryCombos": combos,
            "categoryOptionCombos": option_combos,
            "dataElements": elements,
            "dataSets": sets,
            "organisationUnits": units,
        }
    )
    return bare


@pytest.mark.parametrize("file", ["importA.adx.xml", "importC.adx.xml"])
def test_reference_adx_imports(malaria: Any, corpora: Path, file: str) -> None:
    """Both documents, each under its own id schemes, mean the same ten values."""
    folder = corpora / "aggregate" / "adx" / "goldens"
    options = json.loads((folder / "index.json").read_text("utf-8"))["import"][file]
    answer = accept(malaria, folder / file, options, "application/adx+xml")
    assert answer["response"]["conflicts"] == []
    with transaction(malaria.pool) as session:
        rows = session.execute(
            "select e.code, v.period, u.code, coalesce(c.code, 'default'), coalesce(a.code, 'default'), v.value"
            " from aggregate_value v join org_unit u on u.pk = v.org_unit"
            " join metadata_object e on e.uid = v.data_element"
            " left join metadata_object c on c.uid = v.category_option_combo"
            " left join metadata_object a on a.uid = v.attribute_option_combo order by v.pk"
        ).fetchall()
    assert rows == [
        ("Mal_num", "202001", "123", "F_Under5", "default", "1"),
        ("Mal_num", "202001", "123", "M_Under5", "default", "2"),
        ("Mal_num", "202001", "123", "F_Over5", "default", "3"),
        ("Mal_num", "202001", "123", "M_Over5", "default", "4"),
        ("Mal_text", "202001", "123", "default", "default", "Text data value"),
        ("Mal_num", "202002", "456", "F_Under5", "default", "6"),
        ("Mal_num", "2021Q1", "456", "F_Under5", "coc_PEPFAR", "10"),
        ("Mal_num", "2021Q1", "456", "F_Over5", "coc_McDonalds", "20"),
        ("Mal_num", "2021Q1", "456", "M_Under5", "coc_McDonalds", "30"),
    ]


@pytest.mark.parametrize("file", ["exportA.adx.xml", "exportC.adx.xml"])
def test_reference_adx_exports_are_read(malaria: Any, corpora: Path, file: str) -> None:
    """What a DHIS2 server exports, `exported` missing and all, is taken in whole."""
    folder = corpora / "aggregate" / "adx" / "goldens"
    options = json.loads((folder / "index.json").read_text("utf-8"))["export"][file]
    answer = accept(malaria, folder / file, options, "application/adx+xml")
    assert answer["response"]["conflicts"] == []
    assert answer["response"]["importCount"]["imported"] == (2 if file.startswith("exportA") else 4)
