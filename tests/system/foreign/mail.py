"""A mail server by aiosmtpd: prints `port N`, then a line of JSON for each mail: envelope, headers, text.
A line `code N` on stdin makes it answer the next mails so; `code 250` takes them again."""

import asyncio
import email
import email.policy
import json
import sys
import threading

from aiosmtpd.smtp import SMTP

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


def listen():
    for line in sys.stdin:
        word, value = line.split()
        state[word] = int(value)
        print("done", flush=True)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True), "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=listen, daemon=True).start()
    await server.serve_forever()


asyncio.run(main())
