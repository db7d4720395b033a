// An HTTP/2 client by Node itself: `h2_client.js PORT CA PATH...`. Asks for all paths at a time on one connection, and prints
// a line of JSON: the protocol agreed upon, and the statuses in order.

const fs = require("node:fs");
const http2 = require("node:http2");

const [port, ca, ...paths] = process.argv.slice(2);
const session = http2.connect(`https://localhost:${port}`, { ca: fs.readFileSync(ca) });
session.on("error", (error) => {
  console.log(JSON.stringify({ wrong: String(error) }));
  process.exit(1);
});
const ask = (path) =>
  new Promise((resolve) => {
    const stream = session.request({ ":path": path });
    let status;
    let body = "";
    stream.on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (chunk) => (body += chunk));
    stream.on("end", () => resolve({ status, body }));
    stream.end();
  });
Promise.all(paths.map(ask)).then((answers) => {
  console.log(JSON.stringify({ protocol: session.alpnProtocol, answers }));
  session.close();
});
