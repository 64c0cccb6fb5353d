// The data engine of DHIS2's own apps: a login session, queries, mutations, files, and how it reads refusals.
import { createRequire } from "node:module";

const { DataEngine, RestAPILink } = createRequire(import.meta.url)("@dhis2/data-engine");
const [base, username, password, sent] = process.argv.slice(2);
const payload = JSON.parse(sent);
const browser = globalThis.fetch;
let cookie = "";

// What a browser does by itself: it keeps the session cookie and gives it back.
globalThis.fetch = async (url, options = {}) => {
    const answer = await browser(url, { ...options, headers: { ...options.headers, ...(cookie && { Cookie: cookie }) } });
    const given = answer.headers.get("set-cookie");
    if (given) cookie = given.split(";")[0];
    return answer;
};

const outside = await fetch(`${base}/api/me`, { headers: { "X-Requested-With": "XMLHttpRequest" } });
const login = await fetch(`${base}/api/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
});
const engine = new DataEngine(new RestAPILink({ baseUrl: base, apiVersion: 42 }));
const save = (importStrategy, data) =>
    engine.mutate({ resource: "tracker", type: "create", params: { async: false, importStrategy }, data });
const read = async () => {
    const { person } = await engine.query({
        person: { resource: "tracker/trackedEntities", id: payload.trackedEntity, params: { fields: "*" } },
    });
    return Object.fromEntries(person.attributes.map((one) => [one.attribute, one.value]));
};
const refused = async (act) => {
    try {
        await act();
    } catch (error) {
        return [error.type, error.details.httpStatusCode ?? error.details.status, error.message];
    }
    return null;
};

const { me } = await engine.query({ me: { resource: "me", params: { fields: "username" } } });
const created = await save("CREATE", { trackedEntities: [payload] });
const first = await read();
const [one, two] = payload.attributes.slice(-2).map((attribute) => attribute.attribute);
const change = (value) => ({
    trackedEntities: [{ ...payload, attributes: [{ attribute: two, value }], enrollments: undefined }],
});
const updated = await save("UPDATE", change("Updated"));
const second = await read();
const upserted = await save("CREATE_AND_UPDATE", change("Upserted"));
const third = await read();
const again = await refused(() => save("CREATE", change("Again")));
const missing = await refused(() =>
    engine.query({ person: { resource: "tracker/trackedEntities", id: "TeMissing00" } }));

const stored = await engine.mutate({
    resource: "dataStore/contract/settings", type: "create", data: { colour: "blue" },
});
const { kept } = await engine.query({ kept: { resource: "dataStore/contract/settings" } });
const upload = await engine.mutate({
    resource: "fileResources", type: "create", data: { file: new File(["%PDF-1.7"], "form.pdf") },
});
await save("DELETE", { trackedEntities: [{ trackedEntity: payload.trackedEntity }] });
const gone = await refused(read);

console.log(JSON.stringify({
    outside: [outside.status, outside.headers.get("www-authenticate")],
    login: (await login.json()).loginStatus,
    me: me.username,
    created: created.stats.created,
    values: [first[two], second[two], third[two]],
    untouched: first[one] === third[one],
    stats: [updated.stats.updated, upserted.stats.updated],
    again: again?.[0],
    missing: missing?.slice(0, 2),
    gone: gone?.slice(0, 2),
    stored: stored.httpStatusCode,
    kept,
    file: upload.response.fileResource.name,
}));
