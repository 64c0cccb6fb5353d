// SMART's JavaScript client against the server given on the command line; prints what it saw as JSON.
import FHIR from 'fhirclient';

// Made for servers, it wants a request and a response of the application around it.
const request = { url: '/', headers: { host: 'localhost' }, socket: {} };
const smart = FHIR(request, {}).client({ serverUrl: process.argv[2] });
const seen = {};

const made = await smart.create({ resourceType: 'Patient', name: [{ family: 'Abara' }] });
for (let n = 0; n < 3; n += 1) {
  await smart.create({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'weight' },
    subject: { reference: `Patient/${made.id}` },
  });
}
seen.updated = (await smart.update({ ...made, gender: 'male' })).meta.versionId;
seen.patched = (await smart.patch(`Patient/${made.id}`, [{ op: 'replace', path: '/gender', value: 'other' }])).gender;
const all = await smart.request(`Observation?patient=${made.id}&_count=2`, { pageLimit: 0, flat: true });
seen.found = all.length;
const resolved = await smart.request(`Observation/${all[0].id}`, { resolveReferences: 'subject' });
seen.resolved = resolved.subject.name[0].family;
await smart.delete(`Patient/${made.id}`);
try {
  await smart.request(`Patient/${made.id}`);
} catch (error) {
  seen.gone = error.statusCode ?? error.status;
}
console.log(JSON.stringify(seen));
