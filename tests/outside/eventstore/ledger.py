"""What the published client in Python reads of a ledger that muster keeps at EVENTSTORE_URL and serves at MUSTER_URL.

    ledger.py IDS-OF-THE-IMPORT MUSTER DATA-DIRECTORY
"""

import json
import os
import subprocess
import sys
import time
import urllib.request

from kurrentdbclient import KurrentDBClient

# For whatever ought to come: without it, what never comes would hold this up for ever.
LIMIT = 20
PREFIX = "muster."
# What is not the stream of an aggregate.
OWN = ("muster.commits", "muster.deployment", "muster.subscriber-")

ids, muster, data = sys.argv[1:]
url = os.environ["EVENTSTORE_URL"]
client = KurrentDBClient(url)
passed = 0


def check(what, actual, expected):
    global passed
    assert actual == expected, f"{what}: {actual!r} instead of {expected!r}"
    passed += 1


def change_a_role():
    """By HTTP, so that there is something that leads to the event."""
    with open(ids, encoding="utf-8") as file:
        member = json.load(file)["organizations"]["acme"]["members"]["bob"]
    request = urllib.request.Request(
        f"{os.environ['MUSTER_URL']}/api/0/organizations/acme/members/{member}/",
        data=b'{"orgRole": "manager"}', method="PUT",
        headers={"Authorization": "Bearer the-owner-of-acme", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        check("the role is changed", json.load(answer)["orgRole"], "manager")
    return member


def exported():
    """The log as muster tells it, in its order."""
    command = [muster, "--data", data, "--event-store", url, "events", "export"]
    lines = subprocess.run(command, check=True, capture_output=True, timeout=LIMIT).stdout.splitlines()
    return [json.loads(line) for line in lines]


def of_aggregates():
    """All events in the streams of aggregates, in the order of the server."""
    found = client.read_all(filter_include=(PREFIX,), filter_by_stream_name=True, filter_by_prefix=True)
    return [event for event in found if not event.stream_name.startswith(OWN)]


def written(count):
    """The same, once so many are there: they are written behind the log."""
    end = time.monotonic() + LIMIT
    while True:
        found = of_aggregates()
        if len(found) >= count:
            return found
        assert time.monotonic() < end, f"only {len(found)} of {count} events are in the streams of aggregates"
        time.sleep(0.1)


def is_that_of_the_log(event, said):
    place = f"position {said['position']}"
    stream = f"{PREFIX}{said['aggregate_type']}-{said['aggregate_id']}"
    check(f"{place}: stream", event.stream_name, stream)
    check(f"{place}: revision", event.stream_position, said["sequence"] - 1)
    check(f"{place}: identity", str(event.id), said["event_id"])
    check(f"{place}: type", event.type, said["type"])
    check(f"{place}: content type", event.content_type, "application/json")
    metadata = json.loads(event.metadata)
    ours = metadata["muster"]
    check(f"{place}: place", (ours["position"], ours["leaf"]), (said["position"], said["leaf"]))
    for conventional, own in (("$correlationId", "correlation_id"), ("$causationId", "causation_id")):
        check(f"{place}: {conventional}", metadata.get(conventional), said["metadata"].get(own))
    # Sealed where it is a person's, and otherwise what the log says.
    payload = json.loads(event.data)
    check(f"{place}: what it says of", payload.keys(), said["payload"].keys())
    check(f"{place}: no address", b"@example.com" in event.data, False)
    return payload


member = change_a_role()
log = exported()
# More may follow meanwhile.
events = written(len(log))[:len(log)]
payloads = [is_that_of_the_log(event, said) for event, said in zip(events, log)]
change = next(place for place, said in enumerate(log) if said["type"] == "OrgRoleChanged")
check("whose role is changed", log[change]["aggregate_id"], member)
check("what led to the change is told", "$correlationId" in json.loads(events[change].metadata), True)
check("the change", payloads[change], log[change]["payload"])
with client.subscribe_to_stream(f"{PREFIX}member-{member}", timeout=LIMIT) as subscription:
    of_member = [said["event_id"] for said in log if said["aggregate_id"] == member]
    check("one member, heard", [str(next(subscription).id) for _ in of_member], of_member)
client.close()
print(f"kurrentdbclient: {passed} checks of a ledger passed")
