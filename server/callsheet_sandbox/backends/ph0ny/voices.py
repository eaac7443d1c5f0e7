"""ph0ny's voices: a library of them, and those that people have cloned of themselves."""

from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response

from callsheet_sandbox.backends.ph0ny.engines import DEFAULT_TTS, TTS_RATES
from callsheet_sandbox.backends.ph0ny.order import BACKEND, Url
from callsheet_sandbox.backends.ph0ny.speech import MOST_BYTES
from callsheet_sandbox.backends.ph0ny.words import checked, moment, no
from callsheet_sandbox.desk import Body, Call, Desk, Reply, problem

NAMES = ("Aria", "Bruno", "Chloe", "Dmitri", "Emi")
BORN = 1_760_000_000.0
LIBRARY = [
    {
        "id": f"{provider}-{name.lower()}",
        "name": name,
        "description": f"{name} of {provider}, as the sandbox speaks it",
        "isCustom": False,
        "createdAt": moment(BORN),
        "provider": provider,
        "providerVoiceId": name.lower(),
    }
    for provider in TTS_RATES
    for name in NAMES
]


class Consent(Body):
    """The speaker's word that this is their own voice."""

    subject: Literal["self"]
    statement: str = Field(min_length=1)
    speakerName: str | None = None
    sourceRef: str | None = None


class Clone(Body):
    """`POST /v1/voices/clone` as JSON."""

    name: str = Field(min_length=1, max_length=100)
    sampleUrls: Annotated[list[Url], Field(min_length=1, max_length=10)]
    language: str | None = None
    description: str | None = Field(default=None, max_length=500)
    consent: Consent | None = None


class Voices:
    """The voice routes, in the newer of the two documented shapes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        desk.on("GET", "/v1/voices", self.page, query=("includeCustom", "limit", "provider", "q", "cursor"))
        desk.on("GET", "/v1/voices/{id}", self.one)
        desk.on("POST", "/v1/voices/clone", self.clone)
        desk.on("DELETE", "/v1/voices/{id}", self.drop)

    async def page(self, call: Call[None]) -> Reply:
        """A page of voices; one's own only with `includeCustom=true`."""
        said = call.request.query_params
        voices = [*(self._own(call.owner) if said.get("includeCustom") == "true" else []), *LIBRARY]
        if provider := said.get("provider"):
            voices = [voice for voice in voices if voice["provider"] == provider]
        if words := said.get("q", "").lower():
            voices = [voice for voice in voices if words in f"{voice['name']} {voice['description']}".lower()]
        start, limit = call.number("cursor", 0), call.number("limit", 50, 1, 200)
        more = start + limit < len(voices)
        page = voices[start : start + limit]
        return {"data": page, "nextCursor": str(start + limit) if more else None, "hasMore": more}

    async def one(self, call: Call[None]) -> Reply:
        """One voice."""
        for voice in [*self._own(call.owner), *LIBRARY]:
            if voice["id"] == call.word("id"):
                return dict(voice)
        raise no(404, "not_found", "No such voice")

    async def clone(self, call: Call[None]) -> Reply:
        """JSON with samples and consent, or the older form with a `file`, for which no consent is documented."""
        if call.request.headers.get("content-type", "").startswith("multipart/"):
            return JSONResponse(await self._from_form(call), 201)
        said = checked(self.desk, Clone, await call.request.body())
        if said.consent is None:
            raise no(400, "CONSENT_REQUIRED", "A voice is cloned only with the speaker's own consent", wrong=True)
        for n, url in enumerate(said.sampleUrls):
            if not url.startswith("https://") and self.box.name_in(url) is None:
                raise self.desk.invalid([problem(["body", "sampleUrls", n], "Input should be an https URL")])
        voice = self._add(call.owner, said.name, said.description or "")
        return JSONResponse({"voice": voice, "message": "Voice cloned"}, 201)

    async def drop(self, call: Call[None]) -> Reply:
        """Forget a voice of one's own."""
        for record in self.box.records.all(BACKEND, "voice", call.owner):
            if worded(record)["id"] == call.word("id"):
                self.box.records.drop(record["id"])
                return Response(status_code=204)
        raise no(404, "not_found", "No such voice of yours")

    async def _from_form(self, call: Call[None]) -> dict[str, Any]:
        sample, _, said = await call.upload("file", also=("name", "description"))
        if len(sample) > MOST_BYTES:
            raise self.desk.invalid([problem(["body", "file"], "File should have at most 25 MB")])
        if not said.get("name"):
            raise self.desk.invalid([problem(["body", "name"], "Field required", "missing")])
        return self._add(call.owner, said["name"], said.get("description", ""))

    def _add(self, owner: str, name: str, description: str) -> dict[str, Any]:
        return worded(self.box.records.add(BACKEND, owner, "voice", {"name": name, "description": description}))

    def _own(self, owner: str) -> list[dict[str, Any]]:
        return [worded(record) for record in self.box.records.all(BACKEND, "voice", owner)]


def worded(record: dict[str, Any]) -> dict[str, Any]:
    """A cloned voice as ph0ny lists it; its id names it for `voiceId` and `voice_id`."""
    id = f"voice_{record['id']}"
    made = {"isCustom": True, "createdAt": moment(record["at"]), "provider": DEFAULT_TTS, "providerVoiceId": id}
    return {"id": id, "name": record["name"], "description": record["description"], **made}
