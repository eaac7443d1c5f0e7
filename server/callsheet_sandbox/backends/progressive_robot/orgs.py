"""Progressive Robot's organisations: members with roles, invitations, and projects that members share."""

from secrets import token_urlsafe
from typing import Any, Literal

from pydantic import Field

from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, ident, wrong
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.desk import Body, Call, Refusal, Reply

Role = Literal["member", "admin", "reviewer"]


class Named(Body):
    """Something with a name."""

    name: str = Field(min_length=1, max_length=200)


class Invite(Body):
    """Whom to ask in, and as what."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    role: Role = "member"


class Accept(Body):
    """The token out of an invitation."""

    token: str


class SetRole(Body):
    """What a member may do from now on."""

    role: Role


class Orgs:
    """The nine routes, for Pro and above."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.records = robot.box.records
        robot.take("POST", "/api/orgs", Named, self._found)
        robot.on("GET", "/api/orgs", self._list)
        robot.take("POST", "/api/orgs/{id}/invite", Invite, self._invite)
        robot.take("POST", "/api/orgs/accept-invite", Accept, self._accept)
        robot.on("GET", "/api/orgs/{id}/members", self._members)
        robot.take("PUT", "/api/orgs/{id}/members/{uid}/role", SetRole, self._set_role)
        robot.on("DELETE", "/api/orgs/{id}/members/{uid}", self._remove)
        robot.on("GET", "/api/orgs/{id}/projects", self._projects)
        robot.take("POST", "/api/orgs/{id}/projects", Named, self._add_project)

    async def _found(self, call: Call[Named]) -> Reply:
        self.robot.need(call, "pro")
        org = self.robot.add(call, "org", {"name": call.body.name})
        self.robot.add(call, "member", {"org_id": org["id"], "role": "admin"})
        return self.robot.shown(org) | {"role": "admin"}

    async def _list(self, call: Call[None]) -> Reply:
        self.robot.need(call, "pro")
        rows = []
        for mine in self.robot.all("member", call.owner):
            org = self.records.get(NAME, "org", mine["org_id"])
            if org:
                rows.append(self.robot.shown(org) | {"role": mine["role"]})
        return {"orgs": rows}

    async def _invite(self, call: Call[Invite]) -> Reply:
        org = self._org(call, admin=True)
        # The sandbox sends no mail, so the token that would be in it is in the answer.
        told = {"org_id": org["id"], "token": token_urlsafe(16), **call.body.model_dump()}
        return self.robot.shown(self.robot.add(call, "invite", told))

    async def _accept(self, call: Call[Accept]) -> Reply:
        self.robot.need(call, "pro")
        invite = next((one for one in self.robot.all("invite") if one["token"] == call.body.token), None)
        if invite is None:
            raise absent("Invitation")
        if membership(self.robot, invite["org_id"], call.owner):
            raise wrong("You are a member already")
        self.records.drop(invite["id"])
        self.robot.add(call, "member", {"org_id": invite["org_id"], "role": invite["role"]})
        return {"success": True, "org_id": invite["org_id"], "role": invite["role"]}

    async def _members(self, call: Call[None]) -> Reply:
        return {"members": [self._row(one) for one in self._all(self._org(call)["id"])]}

    async def _set_role(self, call: Call[SetRole]) -> Reply:
        org = self._org(call, admin=True)
        member = self._member(call, org["id"])
        if call.body.role != "admin":
            self._spare_last_admin(member)
        return self._row(self.records.change(member["id"], role=call.body.role))

    async def _remove(self, call: Call[None]) -> Reply:
        org = self._org(call, admin=True)
        member = self._member(call, org["id"])
        self._spare_last_admin(member)
        self.records.drop(member["id"])
        return {"success": True}

    async def _projects(self, call: Call[None]) -> Reply:
        org = self._org(call)
        return {"projects": [self.robot.shown(one) for one in self.robot.all("project") if one["org_id"] == org["id"]]}

    async def _add_project(self, call: Call[Named]) -> Reply:
        org = self._org(call)
        told = {"name": call.body.name, "description": "", "model": None, "org_id": org["id"]}
        return self.robot.shown(self.robot.add(call, "project", told))

    def _org(self, call: Call[Any], *, admin: bool = False) -> dict[str, Any]:
        self.robot.need(call, "pro")
        org = self.records.get(NAME, "org", ident(call))
        mine = membership(self.robot, org["id"], call.owner) if org else None
        if org is None or mine is None:
            raise absent("Organisation")
        if admin and mine["role"] != "admin":
            raise Refusal(403, {"error": "Only an admin of the organisation may do this"})
        return org

    def _all(self, org_id: int) -> list[dict[str, Any]]:
        return [one for one in self.robot.all("member") if one["org_id"] == org_id]

    def _member(self, call: Call[Any], org_id: int) -> dict[str, Any]:
        """A member by the number of the person, which lists show as user_id."""
        for one in self._all(org_id):
            if self.robot.people.of(one["owner"])["id"] == ident(call, "uid"):
                return one
        raise absent("Member")

    def _spare_last_admin(self, member: dict[str, Any]) -> None:
        admins = [one["id"] for one in self._all(member["org_id"]) if one["role"] == "admin"]
        if admins == [member["id"]]:
            raise wrong("An organisation needs an admin")

    def _row(self, member: dict[str, Any]) -> dict[str, Any]:
        person = self.robot.people.of(member["owner"])
        who = {"user_id": person["id"], "username": person["username"], "email": person["email"]}
        return who | {"role": member["role"], "joined_at": self.robot.moment(member["at"])}


def membership(robot: Robot, org_id: int, owner: str) -> dict[str, Any] | None:
    """How somebody belongs to an organisation, if at all."""
    return next((one for one in robot.all("member", owner) if one["org_id"] == org_id), None)


def project_of(robot: Robot, call: Call[Any], id: int) -> dict[str, Any]:
    """A project that is the caller's own, or of an organisation of theirs."""
    found = robot.box.records.get(NAME, "project", id)
    if found is None or not reaches(robot, call, found):
        raise absent("Project")
    return found


def reaches(robot: Robot, call: Call[Any], project: dict[str, Any]) -> bool:
    """Whether the caller may see and change a project."""
    org = project["org_id"]
    return bool(project["owner"] == call.owner or (org is not None and membership(robot, org, call.owner)))
