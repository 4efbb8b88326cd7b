"""What the published client in Python makes of the server at EVENTSTORE_URL, which is to be a new one."""

import os
import uuid
from datetime import datetime, timedelta, timezone

from kurrentdbclient import CaughtUp, Checkpoint, KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    InvalidCommitPositionError,
    MaximumAppendSizeExceededError,
    NotFoundError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

# For whatever ought to come: without it, what never comes would hold this up for ever.
LIMIT = 20

client = KurrentDBClient(os.environ["EVENTSTORE_URL"])
passed = 0


def check(what, actual, expected):
    global passed
    assert actual == expected, f"{what}: {actual!r} instead of {expected!r}"
    passed += 1


def refuses(what, error, call):
    try:
        result = call()
    except error as refusal:
        check(what, type(refusal), error)
        return refusal
    raise AssertionError(f"{what}: {result!r} instead of a refusal")


def event(kind):
    return NewEvent(type=kind, data=b'{"kind": "%s"}' % kind.encode(), metadata=b"{}")


def append(stream, version, *kinds):
    return client.append_to_stream(stream, current_version=version, events=[event(kind) for kind in kinds])


def kinds(events):
    return [recorded.type for recorded in events]


def appends():
    """One event goes by Append, several by BatchAppend."""
    first = client.append_to_stream("a-1", current_version=StreamState.NO_STREAM, events=event("One"))
    second = append("a-1", 0, "Two", "Three")
    third = append("a-1", StreamState.EXISTS, "Four")
    fourth = append("b-1", StreamState.ANY, "Five")
    check("positions grow", first < second < third < fourth, True)
    single = {"current_version": StreamState.NO_STREAM, "events": event("Late")}
    for what, call, current in [
        ("no stream, single", lambda: client.append_to_stream("a-1", **single), 3),
        ("no stream", lambda: append("a-1", StreamState.NO_STREAM, "Late"), 3),
        ("wrong revision", lambda: append("a-1", 1, "Late"), 3),
        ("revision of no stream", lambda: append("c-1", 0, "Late"), StreamState.NO_STREAM),
        ("no stream that exists", lambda: append("c-1", StreamState.EXISTS, "Late"), StreamState.NO_STREAM),
    ]:
        refusal = refuses(what, WrongCurrentVersionError, call)
        check(f"{what}: what is there", refusal.actual_version, current)
    once = NewEvent(type="Six", data=b"{}", id=uuid.uuid4())
    again = [client.append_to_stream("a-1", current_version=3, events=[once]) for _ in range(2)]
    check("the same event once more", again[0], again[1])
    large = NewEvent(type="Large", data=bytes(1024 * 1024), content_type="application/octet-stream")
    refuses("too much", MaximumAppendSizeExceededError,
            lambda: client.append_to_stream("a-1", current_version=StreamState.ANY, events=[large]))


def reads():
    forwards = client.get_stream("a-1")
    check("forwards", kinds(forwards), ["One", "Two", "Three", "Four", "Six"])
    check("revisions", [recorded.stream_position for recorded in forwards], [0, 1, 2, 3, 4])
    check("data", forwards[0].data, b'{"kind": "One"}')
    check("content type", forwards[0].content_type, "application/json")
    age = datetime.now(timezone.utc) - forwards[0].recorded_at
    check("recorded just now", timedelta(0) <= age < timedelta(minutes=5), True)
    check("from a revision", kinds(client.get_stream("a-1", stream_position=3)), ["Four", "Six"])
    check("with a limit", kinds(client.get_stream("a-1", limit=2)), ["One", "Two"])
    check("backwards", kinds(client.get_stream("a-1", backwards=True, limit=2)), ["Six", "Four"])
    check("backwards from one", kinds(client.get_stream("a-1", stream_position=1, backwards=True)), ["Two", "One"])
    check("where a stream ends", client.get_current_version("a-1"), 4)
    refuses("no such stream", NotFoundError, lambda: client.get_stream("c-1"))


def reads_of_all():
    by_stream = {"filter_by_stream_name": True, "filter_by_prefix": True}
    everything = ["One", "Two", "Three", "Four", "Five", "Six"]
    check("all, without the server's own", kinds(client.read_all()), everything)
    with_system = kinds(client.read_all(filter_exclude=()))
    check("all there is", [kind for kind in with_system if not kind.startswith("$")], everything)
    check("the server's own are there", len(with_system) > len(everything), True)
    prefixed = list(client.read_all(filter_include=("b-",), **by_stream))
    check("by prefix", kinds(prefixed), ["Five"])
    check("by type", kinds(client.read_all(filter_include=("T.*",))), ["Two", "Three"])
    position = prefixed[0].commit_position
    check("from a position", kinds(client.read_all(commit_position=position)), ["Five", "Six"])
    check("from a position, by prefix",
          kinds(client.read_all(commit_position=position, filter_include=("a-",), **by_stream)), ["Six"])
    check("backwards", kinds(client.read_all(backwards=True, limit=2)), ["Six", "Five"])
    before = kinds(client.read_all(commit_position=position, backwards=True, limit=2))
    check("backwards before a position", before, ["Four", "Three"])
    refuses("a position without an event", InvalidCommitPositionError,
            lambda: list(client.read_all(commit_position=position + 1)))
    check("where the log ends", client.get_commit_position() > position, True)


def subscriptions():
    start = client.get_stream("a-1")[3].commit_position
    options = {"commit_position": start, "filter_include": ("a-",), "filter_by_stream_name": True,
               "filter_by_prefix": True, "include_checkpoints": True, "include_caught_up": True, "timeout": LIMIT}
    with client.subscribe_to_all(**options) as subscription:
        check("after a position", next(subscription).type, "Six")
        checkpoint = next(subscription)
        check("how far it looked", type(checkpoint), Checkpoint)
        check("not before what it told", checkpoint.commit_position >= start, True)
        check("caught up", type(next(subscription)), CaughtUp)
        append("b-1", StreamState.ANY, "Other")
        live = append("a-1", 4, "Seven")
        told = next(subscription)
        check("live", (told.type, told.commit_position), ("Seven", live))
    following = {"stream_position": 4, "include_caught_up": True, "timeout": LIMIT}
    with client.subscribe_to_stream("a-1", **following) as subscription:
        check("a stream after a revision", next(subscription).type, "Seven")
        check("a stream, caught up", type(next(subscription)), CaughtUp)
        append("a-1", 5, "Eight")
        check("a stream, live", next(subscription).type, "Eight")


def deletions():
    refusal = refuses("delete another revision", WrongCurrentVersionError,
                      lambda: client.delete_stream("b-1", current_version=7))
    check("delete another revision: what is there", refusal.actual_version, 1)
    refuses("delete no stream", NotFoundError, lambda: client.delete_stream("c-1", current_version=0))
    client.delete_stream("b-1", current_version=1)
    refuses("read what is deleted", NotFoundError, lambda: client.get_stream("b-1"))
    check("no version of what is deleted", client.get_current_version("b-1"), StreamState.NO_STREAM)
    append("b-1", StreamState.NO_STREAM, "Nine")
    again = client.get_stream("b-1")
    check("it goes on", [(recorded.type, recorded.stream_position) for recorded in again], [("Nine", 2)])
    deleted = kinds(client.read_all(filter_include=("b-",), filter_by_stream_name=True, filter_by_prefix=True))
    check("all keeps what is deleted", deleted, ["Five", "Other", "Nine"])
    client.tombstone_stream("b-1", current_version=2)
    for what, call in [
        ("read", lambda: client.get_stream("b-1")),
        ("append one", lambda: client.append_to_stream("b-1", current_version=StreamState.ANY, events=[event("Late")])),
        ("delete", lambda: client.delete_stream("b-1", current_version=StreamState.ANY)),
        ("tombstone", lambda: client.tombstone_stream("b-1", current_version=StreamState.ANY)),
    ]:
        refuses(f"{what} of a tombstoned stream", StreamIsDeletedError, call)


def gossip():
    members = client.read_gossip()
    check("one node, which leads", [member.state for member in members], ["NODE_STATE_LEADER"])


for part in (appends, reads, reads_of_all, subscriptions, deletions, gossip):
    part()
client.close()
print(f"kurrentdbclient: {passed} checks passed")
