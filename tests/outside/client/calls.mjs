// Every call of the published client whose path is in the published description and is not of SCIM, in the order in
// which an owner would make them. A call that the client sends and the server does not understand ends this.
//
//   MUSTER_URL=http://... node calls.mjs DIRECTORY-OF-THE-PACKAGE IDS.json DESCRIPTION.json

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, idsFile, descriptionFile] = process.argv.slice(2);
const library = await import(pathToFileURL(join(directory, "node_modules/@sentry/api/dist/index.js")));
const ids = JSON.parse(readFileSync(idsFile, "utf8"));
const members = ids.organizations.acme.members;

const called = new Set();

// Calls `name`, expects `status`, gives the body.
async function call(name, status, options = {}) {
  called.add(name);
  const answer = await library[name]({
    baseUrl: process.env.MUSTER_URL,
    headers: { Authorization: "Bearer the-owner-of-acme" },
    ...options,
  });
  const body = answer.data ?? answer.error;
  assert.equal(answer.response?.status, status, `${name}: ${JSON.stringify(body ?? String(answer.error))}`);
  return body;
}

const organization_id_or_slug = "acme";
const acme = { organization_id_or_slug };
const member = (member_id) => ({ ...acme, member_id });
const team = (team_id_or_slug) => ({ ...acme, team_id_or_slug });
const onTeam = (member_id, team_id_or_slug) => ({ ...acme, member_id, team_id_or_slug });

const organizations = await call("listYourOrganizations", 200);
assert.deepEqual(organizations.map(({ slug }) => slug), ["acme"]);

const before = await call("retrieveAnOrganization", 200, { path: acme });
assert.equal(before.openMembership, true);
const closed = await call("updateAnOrganization", 200, { path: acme, body: { openMembership: false } });
assert.equal(closed.openMembership, false);

const listed = await call("listAnOrganization_sMembers", 200, { path: acme });
assert.deepEqual(listed.map(({ email }) => email), ["alice@example.com", "bob@example.com"]);

const invitation = { email: "carol@example.com", orgRole: "member", teamRoles: [{ teamSlug: "docs", role: null }] };
const carol = await call("addAMemberToAnOrganization", 201, { path: acme, body: invitation });
assert.deepEqual([carol.email, carol.pending, carol.orgRole], ["carol@example.com", true, "member"]);

const bob = await call("retrieveAnOrganizationMember", 200, { path: member(members.bob) });
assert.deepEqual([bob.orgRole, bob.teams], ["member", ["core"]]);

const changes = { orgRole: "manager", teamRoles: [{ teamSlug: "core", role: null }] };
const promoted = await call("updateAnOrganizationMember_sRoles", 200, { path: member(members.bob), body: changes });
assert.deepEqual([promoted.orgRole, promoted.teams], ["manager", ["core"]]);

const created = await call("createANewTeam", 201, { path: acme, body: { slug: "tools", name: "Tools" } });
assert.equal(created.slug, "tools");
const teams = await call("listAnOrganization_sTeams", 200, { path: acme });
assert.deepEqual(teams.map(({ slug }) => slug), ["core", "docs", "tools"]);
assert.equal((await call("retrieveATeam", 200, { path: team("tools") })).isMember, true);
const renamed = await call("updateATeam", 200, { path: team("tools"), body: { slug: "toolbox" } });
assert.equal(renamed.slug, "toolbox");

// The client sends no body here.
const joined = await call("addAnOrganizationMemberToATeam", 201, { path: onTeam(members.bob, "toolbox") });
assert.equal(joined.slug, "toolbox");
const role = { teamRole: "contributor" };
const assigned = await call("updateAnOrganizationMember_sTeamRole", 200, {
  path: onTeam(members.bob, "toolbox"),
  body: role,
});
// A manager is an admin of every team, so the lower role says nothing and is not kept.
assert.deepEqual([assigned.isActive, assigned.teamRole], [true, null]);
const together = await call("listATeam_sMembers", 200, { path: team("toolbox") });
assert.deepEqual(together.map(({ id }) => id).sort(), [members.alice, members.bob].sort());
const left = await call("deleteAnOrganizationMemberFromATeam", 200, { path: onTeam(members.bob, "toolbox") });
assert.equal(left.slug, "toolbox");

const own = await call("listAUser_sTeamsForAnOrganization", 200, { path: acme });
assert.deepEqual(own.map(({ slug }) => slug).sort(), ["core", "toolbox"]);

await call("deleteATeam", 204, { path: team("toolbox") });
await call("deleteAnOrganizationMember", 204, { path: member(carol.id) });
const remaining = await call("listAnOrganization_sMembers", 200, { path: acme });
assert.deepEqual(remaining.map(({ email }) => email), ["alice@example.com", "bob@example.com"]);

// Which functions of the client stand for a path and a method.
const path = (source) => source.match(/url: "([^"]*)"/)?.[1];
const method = (source) => source.match(/\.(get|put|post|delete|patch)\(/)?.[1];
const functions = Object.entries(library)
  .map(([name, value]) => [name, String(value)])
  .map(([name, source]) => [name, `${method(source)} ${path(source)}`]);
if (existsSync(descriptionFile)) {
  const { paths } = JSON.parse(readFileSync(descriptionFile, "utf8"));
  const described = new Set(
    Object.entries(paths)
      .filter(([path]) => !path.includes("/scim/"))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`)),
  );
  const missing = functions.filter(([name, call]) => described.has(call) && !called.has(name));
  assert.deepEqual(missing, [], "calls of the client that are not made here");
} else {
  assert.notEqual(process.env.CI, "true", `${descriptionFile} is not there`);
  console.log(`${descriptionFile} is not there: whether all of its calls were made was not looked at`);
}
console.log(`@sentry/api: ${called.size} kinds of calls, each answered as its description says`);
