"""Folds an export of the log by itself, and says how organizations stood at moments of the past. It knows nothing of the
program but what its events say.

    fold.py EXPORT < MOMENTS

EXPORT is what `muster events export` writes. Each line of MOMENTS is JSON, [organization, position], in any order; each
line of the answer is the state there: the name of the organization (null where there is none), its teams by slug, and
its members by id, as a list of members shows them, with their roles and teams.
"""

import json
import sys


class World:
    def __init__(self):
        self.organizations, self.teams, self.members, self.inactive = {}, {}, {}, set()

    def apply(self, event):
        apply = getattr(self, "on_" + event["type"], None)
        if apply:
            apply(event["aggregate_id"], event["payload"], event)

    def on_OrganizationCreated(self, id, payload, event):
        self.organizations[id] = payload["name"]

    def on_OrganizationRenamed(self, id, payload, event):
        self.organizations[id] = payload["to"]

    def on_OrganizationDeleted(self, id, payload, event):
        del self.organizations[id]

    def on_TeamCreated(self, id, payload, event):
        self.teams[id] = {"organization": payload["organization"], "slug": payload["slug"], "active": True}

    def on_TeamSlugChanged(self, id, payload, event):
        self.teams[id]["slug"] = payload["to"]

    def on_TeamFlagged(self, id, payload, event):
        if payload["flag"] == "being-deleted":
            self.teams[id]["active"] = not payload["to"]

    def on_TeamDeleted(self, id, payload, event):
        del self.teams[id]

    def on_UserDeactivated(self, id, payload, event):
        self.inactive.add(id)

    on_UserErased = on_UserDeactivated

    def on_UserReactivated(self, id, payload, event):
        self.inactive.discard(id)

    def new_member(self, id, payload, user, listed):
        self.members[id] = {
            "organization": payload["organization"], "user": user, "role": payload["org_role"], "listed": listed,
            "teams": {},
        }

    def on_MemberInvited(self, id, payload, event):
        self.new_member(id, payload, None, True)

    def on_MemberAdded(self, id, payload, event):
        self.new_member(id, payload, payload["user"], True)

    def on_InviteRequested(self, id, payload, event):
        self.new_member(id, payload, None, False)

    on_JoinRequested = on_InviteRequested

    def on_InviteApproved(self, id, payload, event):
        self.members[id]["listed"] = True

    def on_InviteAccepted(self, id, payload, event):
        self.members[id]["user"] = payload["user"]

    def on_MemberReturnedToPending(self, id, payload, event):
        self.members[id]["user"] = None

    def on_OrgRoleChanged(self, id, payload, event):
        self.members[id]["role"] = payload["to"]

    def on_TeamAssigned(self, id, payload, event):
        self.members[id]["teams"][payload["team"]] = payload["role"]

    def on_TeamUnassigned(self, id, payload, event):
        self.members[id]["teams"].pop(payload["team"], None)

    def on_TeamRoleChanged(self, id, payload, event):
        self.members[id]["teams"][payload["team"]] = payload["to"]

    def on_TeamRoleCleared(self, id, payload, event):
        self.members[id]["teams"][payload["team"]] = None

    def on_MemberRemoved(self, id, payload, event):
        del self.members[id]

    on_InviteRevoked = on_InviteRequestRejected = on_MemberRemoved

    def state(self, organization):
        """A team that is gone takes nobody with it at once: until that is done, whoever is on it is on no team by name."""
        slug = lambda team: self.teams[team]["slug"]
        members = {
            id: {
                "role": member["role"],
                "pending": member["user"] is None,
                "teams": {slug(team): role for team, role in member["teams"].items() if team in self.teams},
            }
            for id, member in self.members.items()
            if member["organization"] == organization and member["listed"] and member["user"] not in self.inactive
        }
        teams = [team["slug"] for team in self.teams.values() if team["organization"] == organization and team["active"]]
        return {"name": self.organizations.get(organization), "teams": sorted(teams), "members": members}


def main():
    wanted = {}
    moments = [json.loads(line) for line in sys.stdin]
    for organization, position in moments:
        wanted.setdefault(position, set()).add(organization)
    world, answers, seen = World(), {}, 0
    with open(sys.argv[1], encoding="utf-8") as export:
        for line in export:
            event = json.loads(line)
            for position in range(seen, event["position"]):
                for organization in wanted.get(position, ()):
                    answers[organization, position] = world.state(organization)
            seen = event["position"]
            world.apply(event)
    for position in (position for position in wanted if position >= seen):
        for organization in wanted[position]:
            answers[organization, position] = world.state(organization)
    for organization, position in moments:
        print(json.dumps(answers[organization, position]))


main()
