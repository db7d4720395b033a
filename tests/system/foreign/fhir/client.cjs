// A FHIR client that is not ours (fhir-kit-client) doing a morning's work against the base URL given.
// Prints one line of JSON for each step: {"step", "status", "rules", "type"}.
const Client = require('fhir-kit-client');
const base = process.argv[2];
const client = new Client({ baseUrl: base });

const STAFF = 'urn:oid:2.16.156.10011.1.4';
const SURGERY = { coding: [{ system: 'http://snomed.info/sct', code: '387713003' }] };

function order(surgeon, code, more = {}) {
  return {
    resourceType: 'ServiceRequest',
    status: 'active',
    intent: 'order',
    category: [SURGERY],
    code: { coding: [{ system: 'urn:oid:2.16.156.10011.2.3.3.12', code }] },
    subject: { reference: 'Patient/p1', identifier: { value: 'P2699001' } },
    performer: [surgeon],
    ...more,
  };
}
const staff = (id) => ({ identifier: { system: STAFF, value: id } });

async function step(name, work) {
  let line;
  try {
    const found = await work();
    const response = Client.httpFor(found).response;
    line = { step: name, status: response.status, type: found.resourceType, rules: [], found };
  } catch (error) {
    const outcome = error.response?.data;
    const codes = (outcome?.issue ?? []).flatMap((issue) => issue.details?.coding ?? []).map((c) => c.code);
    line = { step: name, status: error.response?.status, type: outcome?.resourceType, rules: codes };
    if (!error.response) line.error = String(error);
  }
  const { found, ...told } = line;
  if (found?.type) told.bundle = found.entry?.map((entry) => entry.response?.status);
  console.log(JSON.stringify(told));
  return found;
}

(async () => {
  const doctor = await step('practitioner', () =>
    client.create({
      resourceType: 'Practitioner',
      body: {
        resourceType: 'Practitioner',
        identifier: [{ system: STAFF, value: 'D1002' }],
        name: [{ text: '沈若川' }],
      },
    }),
  );
  const here = { reference: `Practitioner/${doctor.id}` };
  const create = (body) => () => client.create({ resourceType: body.resourceType, body });
  const granted = await step('order granted, by reference', create(order(here, '51.2300')));
  await step('order refused', create(order(staff('D1005'), '52.7x00')));
  await step('emergency', create(order(staff('D1005'), '52.7x00', { priority: 'stat' })));
  await step('read', () => client.read({ resourceType: 'ServiceRequest', id: granted.id }));
  await step('search', () =>
    client.search({ resourceType: 'ServiceRequest', searchParams: { status: 'active' } }),
  );
  await step('search by POST', () =>
    client.search({
      resourceType: 'ServiceRequest',
      searchParams: { status: 'active' },
      options: { postSearch: true },
    }),
  );
  await step('update refused', () =>
    client.update({
      resourceType: 'ServiceRequest',
      id: granted.id,
      body: { ...order(staff('D1005'), '52.7x00'), id: granted.id },
    }),
  );
  const patch = (operations) => () =>
    client.patch({ resourceType: 'ServiceRequest', id: granted.id, JSONPatch: operations });
  await step(
    'patch refused',
    patch([{ op: 'replace', path: '/code/coding/0/code', value: '52.7x00' }]),
  );
  await step('patch', patch([{ op: 'add', path: '/priority', value: 'urgent' }]));
  const entry = (resource) => ({ request: { method: 'POST', url: resource.resourceType }, resource });
  const bundle = (type, resources) => ({ resourceType: 'Bundle', type, entry: resources.map(entry) });
  const good = order(staff('D1004'), '51.2300');
  const bad = order(staff('D1005'), '52.7x00');
  await step('transaction refused', () => client.transaction({ body: bundle('transaction', [good, bad]) }));
  await step('transaction', () => client.transaction({ body: bundle('transaction', [good]) }));
  await step('batch in part', () => client.batch({ body: bundle('batch', [good, bad, good]) }));
  await step('revoke', patch([{ op: 'replace', path: '/status', value: 'revoked' }]));
  await step('delete', () => client.delete({ resourceType: 'ServiceRequest', id: granted.id }));
})();
