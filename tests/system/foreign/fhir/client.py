"""A FHIR client that is not ours (fhirpy) against the base URL given; one line of JSON for each step."""

import json
import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import BaseFHIRError

STAFF = "urn:oid:2.16.156.10011.1.4"
client = SyncFHIRClient(sys.argv[1])


def order(surgeon, code, **more):
    return client.resource(
        "ServiceRequest",
        status="active",
        intent="order",
        category=[{"coding": [{"system": "http://snomed.info/sct", "code": "387713003"}]}],
        code={"coding": [{"code": code}]},
        subject={"reference": "Patient/p1", "identifier": {"value": "P2699001"}},
        performer=[{"identifier": {"system": STAFF, "value": surgeon}}],
        **more,
    )


def step(name, work):
    try:
        found = work()
        line = {"step": name, "good": True, "found": found}
    except BaseFHIRError as error:
        outcome = json.loads(str(error))
        codings = [c["code"] for issue in outcome["issue"] for c in issue["details"].get("coding", [])]
        line = {"step": name, "good": False, "found": codings}
    print(json.dumps(line), flush=True)


def save(resource):
    resource.save()
    return resource.id is not None


step("order granted", lambda: save(order("D1002", "51.2300")))
step("order refused", lambda: save(order("D1005", "52.7x00")))
step("emergency", lambda: save(order("D1005", "52.7x00", priority="stat")))
step("search", lambda: len(client.resources("ServiceRequest").search(status="active").fetch_all()))


def change():
    found = client.resources("ServiceRequest").search(status="active").first()
    found["performer"] = [{"identifier": {"system": STAFF, "value": "D1030"}}]
    found["code"] = {"coding": [{"code": "52.7x00"}]}
    found["priority"] = "routine"
    found.save()


step("change refused", change)


def call_off():
    found = client.resources("ServiceRequest").search(status="active").first()
    found["status"] = "revoked"
    found.save()
    return found["status"]


step("call off", call_off)
