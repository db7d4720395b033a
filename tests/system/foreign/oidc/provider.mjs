// An OpenID provider by node-oidc-provider, with its own pages for login and consent. The first line it prints says
// where it listens; then it writes a line of JSON for every code it exchanges, and for every error.
//
// node provider.mjs PORT REDIRECT SECRET [id-token]: port 0 is any; with `id-token`, claims stand in the ID token itself.
// Every start has signing keys of its own. With TLS_CERT and TLS_KEY (PEM) in its environment it is known by https, and
// a further line says at which port the same is served without TLS, for browsers that have none.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSafeServer } from "node:https";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

const { default: Provider } = await import(
  pathToFileURL(`${process.env.NODE_PATH}/oidc-provider/lib/index.js`)
);

const [port, redirect, secret, place] = process.argv.slice(2);

// By what they type on its login page; its passwords are none of the gate's business.
const people = {
  zhang: { name: "张样例", preferred_username: "zhang", staff_no: "D1005", groups: ["yiwuke", "all-staff"] },
  li: { name: "李样例", preferred_username: "Li.Si@hospital.example", staff_no: "D9001", groups: ["yiwuke"] },
  wang: { name: "王样例", preferred_username: "wang", staff_no: "D9002", groups: ["yiwuke"] },
  zhao: { name: "赵样例", preferred_username: "zhao", staff_no: "D9003", groups: ["all-staff"] },
  chen: { name: "陈样例", preferred_username: "chen", staff_no: "D9004", groups: ["guanli"], departments: ["0301"] },
};

const key = (pair, alg) => ({
  ...pair.privateKey.export({ format: "jwk" }),
  alg,
  kid: randomBytes(8).toString("hex"),
  use: "sig",
});
const keys = [
  key(generateKeyPairSync("rsa", { modulusLength: 2048 }), "RS256"),
  key(generateKeyPairSync("ec", { namedCurve: "P-256" }), "ES256"),
];

const { TLS_CERT, TLS_KEY } = process.env;
const server = TLS_CERT
  ? createSafeServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) })
  : createServer();
server.listen(Number(port), "127.0.0.1", () => {
  const issuer = `${TLS_CERT ? "https" : "http"}://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "orgate",
      client_secret: secret,
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    }],
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username"],
      hospital: ["staff_no", "groups", "departments"],
    },
    conformIdTokenClaims: place !== "id-token",
    cookies: { keys: ["test"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    jwks: { keys },
    pkce: { required: () => true, methods: ["S256"] },
    renderError: (ctx, out) => { ctx.type = "json"; ctx.body = out; },
  });
  const tell = (event) => (ctx, error) => {
    console.log(JSON.stringify({ event, error: error?.error, why: error?.error_description }));
  };
  provider.on("grant.success", tell("exchanged"));
  provider.on("grant.error", tell("not-exchanged"));
  provider.on("authorization.error", tell("not-authorized"));
  provider.on("server_error", (_, error) => console.error(error));
  server.on("request", provider.callback());
  console.log(`port ${server.address().port}`);
  if (TLS_CERT) {
    const plain = createServer(provider.callback());
    plain.listen(0, "127.0.0.1", () => console.log(`plain ${plain.address().port}`));
  }
});
