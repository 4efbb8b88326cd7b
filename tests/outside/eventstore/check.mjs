// What the published client in JavaScript makes of the server at EVENTSTORE_URL, which is to be a new one.
//
//   EVENTSTORE_URL=esdb://... node check.mjs DIRECTORY-OF-THE-PACKAGE

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const library = require("@kurrent/kurrentdb-client");
const { ANY, BACKWARDS, END, NO_STREAM, START, STREAM_EXISTS, ErrorType, jsonEvent } = library;

// For whatever ought to come: without it, what never comes would hold this up for ever.
setTimeout(() => {
  console.error("the server does not answer");
  process.exit(1);
}, 60_000).unref();

const client = library.KurrentDBClient.connectionString(process.env.EVENTSTORE_URL);
// With credentials given, this client appends by Append, otherwise by BatchAppend.
const single = { credentials: { username: "nobody", password: "in particular" } };
let passed = 0;

function check(what, actual, expected) {
  assert.deepEqual(actual, expected, what);
  passed += 1;
}

async function refuses(what, type, promise) {
  const refusal = await promise.then(
    (result) => assert.fail(`${what}: ${result} instead of a refusal`),
    (refusal) => refusal,
  );
  check(`${what}: ${refusal}`, refusal.type, type);
  return refusal;
}

const event = (type) => jsonEvent({ type, data: { type } });
const append = (stream, streamState, types, options = {}) =>
  client.appendToStream(stream, types.map(event), { streamState, ...options });

async function all(events) {
  const read = [];
  for await (const { event } of events) read.push(event);
  return read;
}
const types = async (events) => (await all(events)).map(({ type }) => type);

async function appends() {
  const first = await append("a-1", NO_STREAM, ["One"], single);
  check("the first revision", first.nextExpectedRevision, 0n);
  const second = await append("a-1", 0n, ["Two", "Three"]);
  check("the next revisions", second.nextExpectedRevision, 2n);
  await append("a-1", STREAM_EXISTS, ["Four"]);
  await append("b-1", ANY, ["Five"], single);
  check("positions grow", first.position.commit < second.position.commit, true);
  for (const options of [single, {}]) {
    for (const [what, stream, state, current] of [
      ["no stream", "a-1", NO_STREAM, 3n],
      ["wrong revision", "a-1", 1n, 3n],
      ["revision of no stream", "c-1", 0n, NO_STREAM],
      ["no stream that exists", "c-1", STREAM_EXISTS, NO_STREAM],
    ]) {
      const refusal = await refuses(what, ErrorType.WRONG_EXPECTED_VERSION, append(stream, state, ["Late"], options));
      check(`${what}: what is there`, [refusal.actualState ?? refusal.actualVersion], [current]);
    }
  }
  const same = jsonEvent({ id: randomUUID(), type: "Six", data: {} });
  const once = await client.appendToStream("a-1", same, { streamState: 3n });
  const again = await client.appendToStream("a-1", same, { streamState: 3n });
  check("the same event once more", again, once);
  const large = jsonEvent({ type: "Large", data: "x".repeat(1024 * 1024) });
  for (const options of [single, {}]) {
    await refuses("too much", ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED, client.appendToStream("a-1", large, options));
  }
}

async function reads() {
  const forwards = await all(client.readStream("a-1"));
  check("forwards", forwards.map(({ type }) => type), ["One", "Two", "Three", "Four", "Six"]);
  check("revisions", forwards.map(({ revision }) => revision), [0n, 1n, 2n, 3n, 4n]);
  check("data", forwards[0].data, { type: "One" });
  check("recorded just now", Math.abs(Date.now() - forwards[0].created.getTime()) < 300_000, true);
  check("from a revision", await types(client.readStream("a-1", { fromRevision: 3n })), ["Four", "Six"]);
  check("with a limit", await types(client.readStream("a-1", { maxCount: 2 })), ["One", "Two"]);
  const backwards = { direction: BACKWARDS, fromRevision: END, maxCount: 2 };
  check("backwards", await types(client.readStream("a-1", backwards)), ["Six", "Four"]);
  const fromOne = { direction: BACKWARDS, fromRevision: 1n };
  check("backwards from one", await types(client.readStream("a-1", fromOne)), ["Two", "One"]);
  await refuses("no such stream", ErrorType.STREAM_NOT_FOUND, all(client.readStream("c-1")));
}

async function readsOfAll() {
  const everything = ["One", "Two", "Three", "Four", "Five", "Six"];
  const own = (type) => !type.startsWith("$");
  const read = await all(client.readAll());
  check("all", read.map(({ type }) => type).filter(own), everything);
  check("the server's own are there", read.length > everything.length, true);
  const prefix = library.streamNameFilter({ prefixes: ["b-"] });
  const [five] = await all(client.readAll({ filter: prefix }));
  check("by prefix", five.type, "Five");
  const notOwn = library.excludeSystemEvents();
  check("by pattern", await types(client.readAll({ filter: notOwn })), everything);
  check("from a position", await types(client.readAll({ fromPosition: five.position })), ["Five", "Six"]);
  const a = { fromPosition: five.position, filter: library.streamNameFilter({ prefixes: ["a-"] }) };
  check("from a position, by prefix", await types(client.readAll(a)), ["Six"]);
  const backwards = { direction: BACKWARDS, fromPosition: five.position, maxCount: 2 };
  check("backwards before a position", await types(client.readAll(backwards)), ["Four", "Three"]);
}

// What a subscription tells, in order, to be taken one by one.
function follow(subscription) {
  const told = [];
  const waiting = [];
  const tell = (what) => (waiting.length > 0 ? waiting.shift()(what) : told.push(what));
  subscription.on("data", ({ event }) => tell(event.type));
  subscription.on("caughtUp", () => tell("caught up"));
  subscription.on("error", (error) => tell(error.type));
  return () => (told.length > 0 ? Promise.resolve(told.shift()) : new Promise((resolve) => waiting.push(resolve)));
}

async function subscriptions() {
  const [, , , four] = await all(client.readStream("a-1"));
  let checkpoint;
  const checkpointReached = (_, position) => {
    checkpoint = position;
  };
  const filter = library.streamNameFilter({ prefixes: ["a-"], checkpointReached });
  const subscription = client.subscribeToAll({ fromPosition: four.position, filter });
  const confirmed = once(subscription, "confirmation");
  const next = follow(subscription);
  await confirmed;
  check("after a position", [await next(), await next()], ["Six", "caught up"]);
  check("how far it looked", checkpoint.commit > four.position.commit, true);
  await append("b-1", ANY, ["Other"]);
  await append("a-1", 4n, ["Seven"]);
  check("live", await next(), "Seven");
  await subscription.unsubscribe();

  const stream = client.subscribeToStream("a-1", { fromRevision: 4n });
  const nextOfStream = follow(stream);
  check("a stream after a revision", [await nextOfStream(), await nextOfStream()], ["Seven", "caught up"]);
  await append("a-1", 5n, ["Eight"]);
  check("a stream, live", await nextOfStream(), "Eight");
  await stream.unsubscribe();

  const fromStart = client.subscribeToAll({ fromPosition: START, filter: library.streamNameFilter({ prefixes: ["b-"] }) });
  const nextFromStart = follow(fromStart);
  check("from the start", [await nextFromStart(), await nextFromStart()], ["Five", "Other"]);
  await fromStart.unsubscribe();
}

async function deletions() {
  const other = client.deleteStream("b-1", { expectedRevision: 7n });
  await refuses("delete another revision", ErrorType.WRONG_EXPECTED_VERSION, other);
  await refuses("delete no stream", ErrorType.WRONG_EXPECTED_VERSION, client.deleteStream("c-1"));
  const { position } = await client.deleteStream("b-1", { expectedRevision: 1n });
  check("a deletion has a position", position.commit > 0n, true);
  await refuses("read what is deleted", ErrorType.STREAM_NOT_FOUND, all(client.readStream("b-1")));
  const again = await append("b-1", NO_STREAM, ["Nine"]);
  check("it goes on", again.nextExpectedRevision, 2n);
  check("from there", await types(client.readStream("b-1")), ["Nine"]);
  await client.tombstoneStream("b-1", { expectedRevision: 2n });
  for (const [what, call] of [
    ["read", () => all(client.readStream("b-1"))],
    ["append", () => append("b-1", ANY, ["Late"])],
    ["append, single", () => append("b-1", ANY, ["Late"], single)],
    ["delete", () => client.deleteStream("b-1")],
    ["tombstone", () => client.tombstoneStream("b-1")],
  ]) {
    await refuses(`${what} of a tombstoned stream`, ErrorType.STREAM_DELETED, call());
  }
}

for (const part of [appends, reads, readsOfAll, subscriptions, deletions]) await part();
await client.dispose();
console.log(`@kurrent/kurrentdb-client: ${passed} checks passed`);
