"""A mail server by aiosmtpd: prints `port N`, then a line of JSON for each mail: envelope, headers, text.
A line `code N` on stdin makes it answer the next mails so; `code 250` takes them again."""

import email
import email.policy
import json
import sys

from aiosmtpd.controller import Controller

state = {"code": 250}


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": str(mail["subject"]),
            "id": str(mail["message-id"]),
            "text": mail.get_body().get_content(),
            "code": state["code"],
        }
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return f"{state['code']} said so"


controller = Controller(Handler(), hostname="127.0.0.1", port=0)
controller._trigger_server = lambda: None  # it would connect to the port it was given: 0
controller.start()
print("port", controller.server.sockets[0].getsockname()[1], flush=True)
for line in sys.stdin:
    word, value = line.split()
    state[word] = int(value)
    print("done", flush=True)
