"""A collector of traces that reads OTLP/HTTP in JSON by the protocol's own definition (opentelemetry-proto): `collector.py`
says `port N`, and then, of every request that it takes, its spans as a line of JSON, or `wrong WHY`. A line of stdin tells
how to answer from then on: an HTTP status, or `silent`."""

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

answer = "200"
said = threading.Lock()


def say(line):
    with said:
        print(line, flush=True)


def number_as_bytes(node):
    """Numbers of traces and spans are hexadecimal in OTLP's JSON, where protobuf's own has base64."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                node[key] = base64.b64encode(bytes.fromhex(value)).decode()
            else:
                number_as_bytes(value)
    elif isinstance(node, list):
        for value in node:
            number_as_bytes(value)
    return node


def value_of(any_value):
    kind = any_value.WhichOneof("value")
    value = getattr(any_value, kind)
    return [value_of(one) for one in value.values] if kind == "array_value" else value


def attributes_of(attributes):
    return {one.key: value_of(one.value) for one in attributes}


def spans_of(body):
    request = trace_service_pb2.ExportTraceServiceRequest()
    json_format.ParseDict(number_as_bytes(json.loads(body)), request)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                if len(span.trace_id) != 16 or len(span.span_id) != 8 or len(span.parent_span_id) not in (0, 8):
                    raise ValueError("a number of the wrong length")
                if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
                    raise ValueError("a time that runs back")
                yield {
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": trace_pb2.Span.SpanKind.Name(span.kind),
                    "from": span.start_time_unix_nano,
                    "to": span.end_time_unix_nano,
                    "failed": span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                    "attributes": attributes_of(span.attributes),
                    "resource": attributes_of(resource.resource.attributes),
                }


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if answer == "silent":
            threading.Event().wait()
        if answer == "200":
            try:
                if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/json":
                    raise ValueError(f"{self.path} {self.headers['Content-Type']}")
                say(json.dumps(list(spans_of(body))))
            except Exception as error:
                say(f"wrong {error}")
        self.send_response(int(answer))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
server.daemon_threads = True
# A gate that ends in the middle of a request is no news.
server.handle_error = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
say(f"port {server.server_address[1]}")
for line in sys.stdin:
    answer = line.strip()
    say(f"answers {answer}")
