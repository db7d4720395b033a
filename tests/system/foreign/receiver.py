"""A receiver of alerts over HTTP: `receiver.py KIND PORT [SECRET]`, PORT 0 = any. KIND: `webhook` (checked by the
library of Standard Webhooks), or a stand-in for the robots `wecom`, `dingtalk`, `feishu`, as their pages describe
them: JSON, signature, size, and 20 messages a minute (feishu: 100). Prints `port N`, then a line of JSON for each
request: what came, and what was answered. Lines of stdin change what it does: `status 503`, `status 200`,
`limit N` (messages still taken this minute)."""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import standardwebhooks

kind, port = sys.argv[1], int(sys.argv[2])
secret = sys.argv[3] if len(sys.argv) > 3 else None
state = {"status": 200, "limit": {"feishu": 100}.get(kind, 20), "times": []}
lock = threading.Lock()


def mac(key, text):
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def too_often():
    now = time.monotonic()
    state["times"] = [t for t in state["times"] if now - t < 60]
    if len(state["times"]) >= state["limit"]:
        return True
    state["times"].append(now)
    return False


def webhook(path, headers, body):
    if secret:
        standardwebhooks.Webhook(secret).verify(body, headers)
    return {}


def wecom(path, headers, body):
    message = json.loads(body)
    if urllib.parse.parse_qs(urllib.parse.urlsplit(path).query).get("key") != ["k-1"]:
        return {"errcode": 93000, "errmsg": "invalid webhook url"}
    if too_often():
        return {"errcode": 45009, "errmsg": "api freq out of limit"}
    if message["msgtype"] != "markdown" or not message["markdown"]["content"]:
        return {"errcode": 40008, "errmsg": "invalid message type"}
    if len(message["markdown"]["content"].encode()) > 4096:
        return {"errcode": 40058, "errmsg": "markdown.content exceed max length 4096"}
    return {"errcode": 0, "errmsg": "ok"}


def dingtalk(path, headers, body):
    message = json.loads(body)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
    if query.get("access_token") != ["t-1"]:
        return {"errcode": 300005, "errmsg": "token is not exist"}
    if secret:
        stamp = query.get("timestamp", ["0"])[0]
        if abs(time.time() * 1000 - int(stamp)) > 3_600_000:
            return {"errcode": 310000, "errmsg": "invalid timestamp"}
        if query.get("sign") != [mac(secret, f"{stamp}\n{secret}")]:
            return {"errcode": 310000, "errmsg": "sign not match"}
    if too_often():
        return {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
    if message["msgtype"] != "markdown" or not message["markdown"]["title"]:
        return {"errcode": 40035, "errmsg": "miss param"}
    if len(body) > 20000:
        return {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
    return {"errcode": 0, "errmsg": "ok"}


def feishu(path, headers, body):
    message = json.loads(body)
    if secret:
        stamp = message.get("timestamp", "0")
        if abs(time.time() - int(stamp)) > 3600 or message.get("sign") != mac(f"{stamp}\n{secret}", ""):
            return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
    if too_often():
        return {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"}
    if message["msg_type"] != "post" or not message["content"]["post"]["zh_cn"]["content"]:
        return {"code": 9499, "msg": "Bad Request"}
    if len(body) > 20 * 1024:
        return {"code": 9499, "msg": "Bad Request"}
    return {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out in two writes: without this the second waits 40 ms for the first to be acknowledged.
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with lock:
            status, answer = state["status"], {}
            if status == 200:
                try:
                    answer = globals()[kind](self.path, headers, body)
                except Exception as error:  # whatever is wrong with it, the test must see it
                    status, answer = 400, {"wrong": repr(error)}
            told = {"path": self.path, "headers": headers, "body": body.decode(), "status": status, "answer": answer}
            print(json.dumps(told, ensure_ascii=False), flush=True)
        text = json.dumps(answer).encode()
        self.send_response(status)
        if status in (301, 302, 307, 308):
            self.send_header("location", f"http://{self.headers['host']}/elsewhere")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


server = Server(("127.0.0.1", port), Handler)
print("port", server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
for line in sys.stdin:
    word, value = line.split()
    with lock:
        state[word] = int(value)
        state["times"] = []
    print("done", flush=True)
