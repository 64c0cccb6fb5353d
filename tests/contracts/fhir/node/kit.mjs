// fhir-kit-client against the server given on the command line; prints what it saw as JSON.
import { Client } from 'fhir-kit-client';

const client = new Client({ baseUrl: process.argv[2] });
const seen = {};

const statement = await client.capabilityStatement();
seen.version = statement.fhirVersion;

const made = await client.create({
  resourceType: 'Patient',
  body: { resourceType: 'Patient', name: [{ family: 'Abara' }], gender: 'female' },
});
seen.read = (await client.read({ resourceType: 'Patient', id: made.id })).name[0].family;

const changed = await client.update({ resourceType: 'Patient', id: made.id, body: { ...made, gender: 'male' } });
seen.updated = changed.meta.versionId;
seen.first = (await client.vread({ resourceType: 'Patient', id: made.id, version: '1' })).gender;

const patched = await client.patch({
  resourceType: 'Patient',
  id: made.id,
  jsonPatch: [{ op: 'replace', path: '/gender', value: 'other' }],
});
seen.patched = patched.gender;
seen.history = (await client.history({ resourceType: 'Patient', id: made.id })).entry.length;
seen.typeHistory = (await client.history({ resourceType: 'Patient' })).entry.length;
seen.systemHistory = (await client.history()).entry.length;

const posted = [1, 2, 3, 4, 5].map((n) => ({
  fullUrl: `urn:uuid:11111111-1111-4111-8111-11111111111${n}`,
  resource: {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
    subject: { reference: `Patient/${made.id}` },
    valueQuantity: { value: 60 + n, unit: 'kg' },
  },
  request: { method: 'POST', url: 'Observation' },
}));
const bundle = { resourceType: 'Bundle', type: 'transaction', entry: posted };
seen.transaction = (await client.transaction({ body: bundle })).entry.map((one) => one.response.status);
seen.batch = (await client.batch({ body: { ...bundle, type: 'batch', entry: posted.slice(0, 1) } })).entry.length;

const found = [];
let page = await client.search({ resourceType: 'Observation', searchParams: { patient: made.id, _count: 2 } });
while (page) {
  found.push(page.entry.length);
  page = await client.nextPage({ bundle: page });
}
seen.pages = found;

await client.delete({ resourceType: 'Patient', id: made.id });
try {
  await client.read({ resourceType: 'Patient', id: made.id });
} catch (error) {
  seen.gone = [error.response.status, error.response.data.resourceType];
}
console.log(JSON.stringify(seen));
