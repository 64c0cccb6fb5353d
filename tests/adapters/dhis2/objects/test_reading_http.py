"""Lists, single objects and their properties over HTTP: paging, order, query, language, ETags, sharing."""

import pytest

from adapters.dhis2.objects.listing import DEFAULT_FIELDS
from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import history, metadata, users
from tracker_core.database import transaction


def ids(client: Client, path: str, **params: str) -> list[str]:
    """The ids that a list answers with."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    [(_, items)] = [(key, value) for key, value in answer.json().items() if key != "pager"]
    return [item["id"] for item in items]


def test_pages_lead_to_the_next_one_until_the_last(client: Client) -> None:
    """`nextPage` is there exactly while more pages are, and keeps every parameter, repeated ones too."""
    params = [("pageSize", "3"), ("filter", "name:!like:Nothing"), ("filter", "id:!null"), ("fields", "id")]
    seen, url = [], "/api/dataElements"
    answer = client.get(url, params=params)
    while True:
        body = answer.json()
        assert body["pager"]["total"] == 7
        assert body["pager"]["pageCount"] == 3
        seen += [item["id"] for item in body["dataElements"]]
        if "nextPage" not in body["pager"]:
            break
        answer = client.get(body["pager"]["nextPage"])
    assert len(seen) == len(set(seen)) == 7
    assert body["pager"]["page"] == 3
    assert "prevPage" in body["pager"]
    assert client.get("/api/dataElements", params={"page": "9"}).json()["dataElements"] == []


def test_paging_can_be_left_out(client: Client) -> None:
    """`paging=false` answers everything without a pager, whatever page is named; `pageNumber` is ignored."""
    whole = client.get("/api/42/dataElements.json", params={"paging": "false", "page": "2", "pageNumber": "1"}).json()
    assert whole.keys() == {"dataElements"}
    assert len(whole["dataElements"]) == 7
    assert set(whole["dataElements"][0]) == set(DEFAULT_FIELDS.split(","))


@pytest.mark.parametrize("page", ["0", "x", "-1", "９"])
def test_a_page_that_is_none_is_400(client: Client, page: str) -> None:
    """A page or size that is no number from one on."""
    assert client.get("/api/dataElements", params={"page": page}).status_code == 400
    assert client.get("/api/dataElements", params={"pageSize": page}).status_code == 400


def test_lists_are_ordered_as_asked(client: Client) -> None:
    """By several properties, down and up, case levelled or not; an unknown property orders nothing."""
    down = ids(client, "/api/dataElements", order="valueType:asc,name:idesc")
    listed = client.get("/api/dataElements", params={"order": "valueType:asc,name:idesc", "fields": "name,valueType"})
    rows = [(item["valueType"], item["name"].casefold()) for item in listed.json()["dataElements"]]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    numbers = [name for kind, name in rows if kind == "NUMBER"]
    assert numbers == sorted(numbers, reverse=True)
    assert sorted(down) == sorted(ids(client, "/api/dataElements", order="nothing:asc"))
    assert client.get("/api/dataElements", params={"order": "name:sideways"}).status_code == 409


def test_filters_over_http(client: Client) -> None:
    """Joined by AND or OR, an empty list is an empty page, wrong ones are 409 with DHIS2's code."""
    assert ids(client, "/api/programs", filter="programStages.id:in:[PsBirth0000]") == ["PrBirth0000"]
    assert ids(client, "/api/programs", filter="id:in:[]") == []
    either = client.get(
        "/api/programs",
        params=[("filter", "name:like:Malaria"), ("filter", "id:eq:PrBirth0000"), ("rootJunction", "OR")],
    )
    assert {item["id"] for item in either.json()["programs"]} == {"PrMalaria00", "PrBirth0000"}
    wrong = client.get("/api/programs", params={"filter": "name:almost:x"})
    assert (wrong.status_code, wrong.json()["errorCode"]) == (409, "E7653")
    assert client.get("/api/programs", params={"fields": "id["}).json()["errorCode"] == "E7651"
    assert client.get("/api/programs", params={"rootJunction": "XOR"}).status_code == 400


def test_org_units_are_listed_and_fetched_only_where_needed(client: Client) -> None:
    """Filters and fields on the tree, on properties that only their documents hold, and through other objects."""
    assert ids(client, "/api/organisationUnits", filter="level:eq:2") == ["OuNorth0000", "OuSouth0000"]
    assert ids(client, "/api/organisationUnits", filter="parent.name:eq:Savania") == ["OuNorth0000", "OuSouth0000"]
    whole = client.get("/api/organisationUnits/OuNorth0000").json()
    assert whole["parent"] == {"id": "OuCountry00"}
    opened = whole["openingDate"][:10]
    assert "OuNorth0000" in ids(client, "/api/organisationUnits", filter=f"openingDate:le:{opened}")
    assert "OuNorth0000" in ids(client, "/api/organisationUnits", filter="parent.openingDate:!null")
    assert "OuNorth0000" not in ids(client, "/api/organisationUnits", filter="parent.openingDate:null")
    tree = client.get("/api/organisationUnits/OuCountry00", params={"fields": "path,children::size"}).json()
    assert tree == {"path": "/OuCountry00", "children": 2}
    shown = client.get(
        "/api/programs/PrMalaria00", params={"fields": "organisationUnits[shortName,openingDate]"}
    ).json()
    assert len(shown["organisationUnits"]) == 3
    assert all(unit["openingDate"] for unit in shown["organisationUnits"])


def test_users_are_shown_where_objects_name_them(client: Client) -> None:
    """A group's members are read from the accounts, and an account's groups from the groups."""
    me = client.get("/api/me", params={"fields": "id"}).json()["id"]
    group = {"id": "UgHelpers01", "name": "Helpers", "users": [{"id": me}]}
    assert client.post("/api/userGroups", json=group).status_code == 201
    shown = client.get("/api/userGroups/UgHelpers01", params={"fields": "users[username,userGroups[name]]"}).json()
    assert shown == {"users": [{"username": "tester", "userGroups": [{"name": "Helpers"}]}]}


def test_one_property_of_an_object(client: Client) -> None:
    """Under its name, with fields of what it leads to; 404 for a property that the type does not have."""
    stages = client.get("/api/programs/PrMalaria00/programStages", params={"fields": "id,displayName"}).json()
    assert stages == {
        "programStages": [
            {"id": "PsVisit0000", "displayName": "Visit"},
            {"id": "PsFollow000", "displayName": "Follow-up"},
        ]
    }
    assert client.get("/api/programs/PrMalaria00/name.json").json() == {"name": "Malaria cases"}
    assert client.get("/api/programs/PrMalaria00/unicorns").status_code == 404
    assert client.get("/api/programs/Nowhere0001/name").status_code == 404


def test_an_object_of_any_type(client: Client) -> None:
    """`identifiableObjects` finds by id alone."""
    found = client.get("/api/identifiableObjects/DeTemp00000", params={"fields": "name,href"}).json()
    assert found == {"name": "Temperature", "href": "http://hub.example/api/dataElements/DeTemp00000"}
    assert client.get("/api/identifiableObjects/OuNorth0000", params={"fields": "id"}).status_code == 200
    assert client.get("/api/identifiableObjects/Nowhere0001").status_code == 404


def test_every_path_answers_alike(client: Client) -> None:
    """With a version or none, with `.json` or without."""
    bodies = [
        client.get(path, params={"fields": "id,name"}).json()
        for path in ("/api/options", "/api/41/options", "/api/42/options.json", "/api/43/options")
    ]
    for body in bodies:
        body["pager"] = {}
    assert all(body == bodies[0] for body in bodies)
    assert client.get("/api/options/OpPos000000.json").json()["id"] == "OpPos000000"
    assert client.get("/api/unicorns").status_code == 404


def test_an_answer_is_sent_again_only_when_it_changed(client: Client) -> None:
    """`ETag` and 304: the same for the same caller, request and metadata; another one after any change."""
    first = client.get("/api/programs", params={"fields": "id"})
    tag = first.headers["etag"]
    again = client.get("/api/programs", params={"fields": "id"}, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/api/programs", params={"fields": "name"}).headers["etag"] != tag
    assert client.post("/api/constants", json={"name": "Pi", "shortName": "Pi", "value": 3.14}).status_code == 201
    changed = client.get("/api/programs", params={"fields": "id"}, headers={"if-none-match": tag})
    assert (changed.status_code, changed.content) == (200, first.content)
    assert "etag" not in client.get("/api/users").headers


def test_names_come_in_the_language_asked_for(client: Client) -> None:
    """`locale`, else the user's own setting; `translate=false` in none."""
    doc = {"id": "CoTranslat1", "name": "Pi", "shortName": "Pi", "value": 3}
    assert client.post("/api/constants", json=doc).status_code == 201
    said = [
        {"property": "NAME", "locale": "fr", "value": "Le pi"},
        {"property": "NAME", "locale": "en", "value": "Pie"},
    ]
    assert client.put("/api/constants/CoTranslat1/translations", json={"translations": said}).status_code == 204
    path = "/api/constants/CoTranslat1/displayName"
    assert client.get(path, params={"locale": "fr"}).json() == {"displayName": "Le pi"}
    assert client.get(path).json() == {"displayName": "Pie"}
    assert client.get(path, params={"translate": "false"}).json() == {"displayName": "Pi"}


def test_sharing_hides_what_it_does_not_show(client: Client, limited: Client) -> None:
    """What a user may not read is in no list and is 404; what it may read says what it may do."""
    secret = {"id": "CoSecret001", "name": "Secret", "shortName": "S", "value": 1, "sharing": {"public": "--------"}}
    public = {"id": "CoPublic001", "name": "Public", "shortName": "P", "value": 1, "sharing": {"public": "r-------"}}
    for doc in (secret, public):
        assert client.post("/api/constants", json=doc).status_code == 201
    assert ids(limited, "/api/constants") == ["CoPublic001"]
    assert limited.get("/api/constants/CoSecret001").status_code == 404
    access = limited.get("/api/constants/CoPublic001", params={"fields": "access"}).json()["access"]
    assert (access["read"], access["write"], access["delete"]) == (True, False, False)
    assert "CoSecret001" in ids(client, "/api/constants")


def test_lists_of_many_users_know_the_caller(way: HubAccess) -> None:
    """A user named by the sharing of an object sees it; one named by nobody does not."""
    with transaction(way.runtime.pool) as session:
        known = users.create(session, "named", "secret").uid
        sharing = {"public": "--------", "users": {known: {"id": known, "access": "r-------"}}}
        doc = {"id": "CoShared001", "name": "Shared", "shortName": "Sh", "value": 1, "sharing": sharing}
        context = history.open_change_set(session, actor="system")
        metadata.import_objects(session, context, {"constants": [doc]})
        users.create(session, "other", "secret")
    assert ids(client_of(way, [], "named"), "/api/constants") == ["CoShared001"]
    assert ids(client_of(way, [], "other"), "/api/constants") == []


def test_query_finds_parts_of_names_and_codes_and_whole_ids(client: Client) -> None:
    """In any case of letters."""
    assert ids(client, "/api/programs", query="malar") == ["PrMalaria00"]
    assert ids(client, "/api/programs", query="prmalaria00") == ["PrMalaria00"]
    assert ids(client, "/api/programs", query="PrMal") == []


def test_default_objects_are_left_out_of_lists_when_asked(client: Client) -> None:
    """`defaults=EXCLUDE`, of the category model alone."""
    every, own = ids(client, "/api/categoryCombos"), ids(client, "/api/categoryCombos", defaults="EXCLUDE")
    assert set(every) - set(own) == {"bjDvmb4bfuf"}
    assert client.get("/api/categoryCombos", params={"defaults": "SOME"}).status_code == 400
