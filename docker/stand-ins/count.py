"""Holds what the HIS sent against what arrived downstream and what the gates entered, whose ledgers come on stdin as JSON
Lines; prints the counts, ends with 1 if anything is wrong."""

import collections
import json
import sys
from pathlib import Path

FOLDER = Path("/var/lib/stand-in")
TAKEN = ("AA", "CA")

sent = json.loads((FOLDER / "sent.json").read_text())
lines = (FOLDER / "arrived.jsonl").read_text().splitlines()
arrived = collections.Counter(json.loads(line)["sha256"] for line in lines)

entered, by_gate = set(), collections.Counter()
for line in sys.stdin:
    entry = json.loads(line)
    if entry["kind"] == "decision":
        entered.add(entry["body"]["message_sha256"])
        by_gate[entry["node"]] += 1

taken = [name for name, told in sent.items() if told["answer"] in TAKEN]
refused = [name for name, told in sent.items() if told["answer"] not in (*TAKEN, None)]
transmissions = sum(told["sent"] for told in sent.values())
answers = collections.Counter(told["answer"] for told in sent.values())
unanswered = sum(told["unanswered"] for told in sent.values())
repeated = sum(arrived[name] - 1 for name in sent if arrived[name] > 1)
again = sum(told["sent"] - 1 for told in sent.values())

wrong = {
    "without any answer": sum(told["answer"] is None for told in sent.values()),
    "lost: accepted, but never arrived": sum(arrived[name] == 0 for name in taken),
    "doubled: arrived more often than it was sent": sum(arrived[name] > told["sent"] for name, told in sent.items()),
    "refused, but arrived": sum(arrived[name] > 0 for name in refused),
    "unrecorded: arrived, but in no ledger": sum(
        sent[name]["recorded"] and name not in entered for name in arrived if name in sent
    ),
    "invented: arrived, but never sent": sum(name not in sent for name in arrived),
}

print(f"HIS          {len(sent):6} messages, sent {transmissions} times: {again} of these again,")
print(f"             {unanswered:6} times because no answer came, {sum(t['later'] for t in sent.values())} because it was: later;")
print("             the rest is copies that the day itself holds")
print("answers      " + ", ".join(f"{code} {count}" for code, count in sorted(answers.items(), key=str)))
print(f"downstream   {sum(arrived.values()):6} arrivals of {len(arrived)} messages, {repeated} of them copies")
print("ledgers      " + ", ".join(f"{gate} {count} decisions" for gate, count in sorted(by_gate.items())))
for what, count in wrong.items():
    print(f"{what:46} {count:6}")
sys.exit(any(wrong.values()))
