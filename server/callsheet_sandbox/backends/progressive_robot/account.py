"""Progressive Robot's accounts: keys, sign-up, log-in, passwords, profile and settings."""

from secrets import token_urlsafe
from typing import Any

from pydantic import Field
from starlette.responses import JSONResponse

from callsheet_sandbox.backends.progressive_robot.door import Robot, form, picture, wrong
from callsheet_sandbox.backends.progressive_robot.people import NAME, SESSION, hashed, matches
from callsheet_sandbox.backends.progressive_robot.prices import TIERS
from callsheet_sandbox.desk import Body, Call, Refusal, Reply

MAIL = r"^[^@\s]+@[^@\s]+$"
LOGINS = 10
"""Log-ins a minute, for everybody together."""


class NewKey(Body):
    """What to call a key."""

    name: str = Field(min_length=1, max_length=200)


class SignUp(Body):
    """A new account."""

    username: str = Field(pattern=r"^[A-Za-z0-9_.-]{3,40}$")
    password: str = Field(min_length=8, max_length=200)
    email: str = Field(pattern=MAIL, max_length=200)


class LogIn(Body):
    """Who it is."""

    username: str
    password: str


class AskReset(Body):
    """Whose password is forgotten."""

    username: str


class Reset(Body):
    """A new password, by the token that was mailed."""

    token: str
    new_password: str = Field(min_length=8, max_length=200)


class Profile(Body):
    """What others see."""

    display_name: str = Field(default="", max_length=100)
    bio: str = Field(default="", max_length=2000)
    profile_public: bool = False


class ChangePassword(Body):
    """From the old password to a new one."""

    current_password: str
    new_password: str = Field(min_length=8, max_length=200)


class Email(Body):
    """Where mail goes."""

    email: str = Field(pattern=MAIL, max_length=200)


class Theme(Body):
    """How the site looks."""

    theme: str = Field(pattern="^(dark|light)$")


class Account:
    """The three routes of keys, and the first twelve of the account."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.box = robot.box
        self.people = robot.people
        robot.on("GET", "/api/keys", self._keys)
        robot.take("POST", "/api/keys", NewKey, self._new_key)
        robot.on("DELETE", "/api/keys/{id}", self._revoke)
        robot.on("GET", "/api/auth/check", self._check)
        robot.take("POST", "/api/signup", SignUp, self._sign_up, public=True)
        robot.take("POST", "/api/login", LogIn, self._log_in, public=True)
        robot.on("POST", "/api/logout", self._log_out)
        robot.take("POST", "/api/password-reset/request", AskReset, self._ask_reset, public=True)
        robot.take("POST", "/api/password-reset/reset", Reset, self._reset, public=True)
        robot.on("GET", "/api/profile", self._profile)
        robot.take("POST", "/api/profile", Profile, self._change_profile)
        robot.on("POST", "/api/profile/avatar", self._avatar)
        robot.take("POST", "/api/settings/change-password", ChangePassword, self._change_password)
        robot.take("POST", "/api/settings/email", Email, self._email)
        robot.take("POST", "/api/settings/theme", Theme, self._theme)

    async def _keys(self, call: Call[None]) -> Reply:
        rows = [
            self.robot.shown(one, "hash") | {"last_used": self.robot.moment(one["last_used"])}
            for one in self.people.keys(call.owner)
        ]
        return {"keys": rows}

    async def _new_key(self, call: Call[NewKey]) -> Reply:
        key, record = self.people.new_key(call.owner, call.body.name)
        return self.robot.shown(record, "hash") | {"key": key}

    async def _revoke(self, call: Call[None]) -> Reply:
        record = self.robot.owned(call, "credential")
        self.box.records.change(record["id"], is_active=False)
        return {"success": True}

    async def _check(self, call: Call[None]) -> Reply:
        person = self.people.of(call.owner)
        tier = TIERS[person["tier"]]
        return {
            "authenticated": True,
            "username": person["username"],
            "is_admin": person["is_admin"],
            "tier": person["tier"],
            "credit_balance": self.robot.balance(call),
            "limits": {
                "max_frames": tier.frames,
                "max_resolution": tier.resolution,
                "max_width": tier.sides[0],
                "max_height": tier.sides[1],
                "watermark": tier.watermark,
            },
        }

    async def _sign_up(self, call: Call[SignUp]) -> Reply:
        said = call.body
        if self.people.named(said.username):
            raise wrong("username: already taken")
        person = self.people.sign_up(said.username, said.password, said.email)
        return {"success": True, "user_id": person["id"], "username": person["username"]}

    async def _log_in(self, call: Call[LogIn]) -> Reply:
        since = self.box.clock() - 60
        tried = [one for one in self.box.log.entries(NAME) if one.route == "/api/login" and one.at > since]
        if len([one for one in tried if one.status != 429]) > max(LOGINS, self.box.rate // 6):
            raise self.robot.too_many(60)
        person = self.people.named(call.body.username)
        if person is None or not matches(call.body.password, person["password"]):
            raise Refusal(401, {"error": "Wrong username or password"})
        answer = JSONResponse({"success": True, "username": person["username"], "tier": person["tier"]})
        answer.set_cookie(SESSION, self.people.log_in(person["owner"]), httponly=True, samesite="lax", path="/")
        return answer

    async def _log_out(self, call: Call[None]) -> Reply:
        self.people.end(self.robot.key_of(call.request))
        answer = JSONResponse({"success": True})
        answer.delete_cookie(SESSION, path="/")
        return answer

    async def _ask_reset(self, call: Call[AskReset]) -> Reply:
        reply: dict[str, object] = {"success": True, "message": "If the account exists, a mail is on its way"}
        if person := self.people.named(call.body.username):
            # The sandbox sends no mail, so the token that would be in it is in the answer.
            reply["token"] = token_urlsafe(24)
            told = {"token": hashed(str(reply["token"])), "person_id": person["id"]}
            self.box.records.add(NAME, person["owner"], "reset", told)
        return reply

    async def _reset(self, call: Call[Reset]) -> Reply:
        asked = next((one for one in self.robot.all("reset") if matches(call.body.token, one["token"])), None)
        if asked is None:
            raise wrong("token: not valid, or used already")
        self.box.records.drop(asked["id"])
        self.box.records.change(asked["person_id"], password=hashed(call.body.new_password))
        self.people.log_out(asked["owner"])
        return {"success": True}

    async def _profile(self, call: Call[None]) -> Reply:
        person = self.people.of(call.owner)
        names = ("username", "display_name", "bio", "avatar", "profile_public", "email", "theme")
        return {name: person[name] for name in names}

    async def _change_profile(self, call: Call[Profile]) -> Reply:
        return self._set(call, **call.body.model_dump(exclude_unset=True))

    async def _avatar(self, call: Call[None]) -> Reply:
        held, _ = await form(call, {"avatar": ("image", "file")})
        data, suffix = await picture(held, "avatar")
        name = self.robot.keep(call, data, suffix, "avatar")
        return self._set(call, avatar=name)

    async def _change_password(self, call: Call[ChangePassword]) -> Reply:
        kept = self.people.of(call.owner)["password"]
        if kept is None:
            raise wrong("This account was opened by a key and has no password; use the password reset")
        if not matches(call.body.current_password, kept):
            raise wrong("current_password: not the current password")
        return self._set(call, password=hashed(call.body.new_password)) | {"message": "Password changed"}

    async def _email(self, call: Call[Email]) -> Reply:
        return self._set(call, email=call.body.email)

    async def _theme(self, call: Call[Theme]) -> Reply:
        return self._set(call, theme=call.body.theme)

    def _set(self, call: Call[Any], **fields: object) -> dict[str, object]:
        self.box.records.change(self.people.of(call.owner)["id"], **fields)
        return {"success": True, **{name: value for name, value in fields.items() if name != "password"}}
