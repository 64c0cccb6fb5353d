// A typed client that integrators use: metadata created and updated, persons written and read page by page.
import { createRequire } from "node:module";

const { D2Api } = createRequire(import.meta.url)("@eyeseetea/d2-api/2.41");
const [base, username, password, sent] = process.argv.slice(2);
const payload = JSON.parse(sent);
const api = new D2Api({ baseUrl: base, auth: { username, password }, backend: "xhr" });

const user = await api.currentUser.get({ fields: { username: true } }).getData();
const element = {
    id: "deTypedAaaa", name: "Typed element", shortName: "Typed", domainType: "TRACKER", valueType: "NUMBER",
    aggregationType: "SUM", categoryCombo: { id: "bjDvmb4bfuf" },
};
const imported = await api.metadata.post({ dataElements: [element] }).getData();
const changed = await api.metadata.post({ dataElements: [{ ...element, shortName: "Changed" }] }).getData();
const { objects } = await api.models.dataElements
    .get({ fields: { id: true, shortName: true }, filter: { id: { eq: element.id } } })
    .getData();

const created = await api.tracker.post({ importStrategy: "CREATE" }, { trackedEntities: [payload] }).getData();
const found = await api.tracker.trackedEntities
    .get({
        fields: { trackedEntity: true, attributes: true },
        trackedEntities: payload.trackedEntity,
        program: payload.enrollments[0].program,
        orgUnitMode: "ACCESSIBLE",
        pageSize: 5,
        totalPages: true,
    })
    .getData();
const job = await api.tracker
    .postAsync({ importStrategy: "UPDATE" }, { trackedEntities: [{ ...payload, inactive: true, enrollments: undefined }] })
    .getData();

console.log(JSON.stringify({
    user: user.username,
    imported: [imported.status, imported.stats.created],
    changed: [changed.status, changed.stats.updated],
    objects,
    created: created.stats.created,
    found: found.instances.map((one) => one.trackedEntity),
    total: found.pager.total,
    job: job.response.responseType,
}));
