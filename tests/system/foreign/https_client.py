"""An HTTPS client by Python itself: `https_client.py PORT CA METHOD PATH [CERT KEY]`, the body on stdin. Prints a line of
JSON: the TLS version, the status, the body; or what went wrong."""

import http.client
import json
import ssl
import sys

port, ca, method, path = int(sys.argv[1]), *sys.argv[2:5]
context = ssl.create_default_context(cafile=ca)
if len(sys.argv) > 6:
    context.load_cert_chain(sys.argv[5], sys.argv[6])
body = sys.stdin.buffer.read()
connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
try:
    connection.request(method, path, body or None, {"Content-Type": "application/fhir+json"} if body else {})
    answer = connection.getresponse()
    told = {
        "version": connection.sock.version() if connection.sock else None,
        "status": answer.status,
        "cookies": answer.headers.get_all("set-cookie") or [],
        "body": answer.read().decode(),
    }
except OSError as error:
    told = {"wrong": str(error)}
print(json.dumps(told), flush=True)
