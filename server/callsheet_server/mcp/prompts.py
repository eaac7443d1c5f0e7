"""Three ways to begin that people pick from a menu; each leads an agent through our tools, price first."""

import json
from typing import Annotated, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.types import INVALID_PARAMS
from pydantic import Field

from callsheet.errors import listed
from callsheet_server.desk import Desk

PLAN = """\
Add the quotes up, and tell me the sum and what a cheaper version would be. When I agree, order everything with one \
call of plan, in this manner; "$1" stands for what the first call makes:
calls = [
  {calls}
]
If plan is refused for want of consent, tell me what it says and ask again; nothing was sent then."""

APART = """\
The tools that put pieces together are off on this server. Leave the pieces as they are, give them to me in order, and \
tell me that `callsheet serve --toolsets core,edit` turns those tools on."""

WAIT = """\
Follow the last job with get_job(job_id, wait_s=45) for as long as it takes. "working" is no error: never make a job \
again because it takes long. If one fails, what needs it is cancelled and costs nothing; tell me, mend that one, and \
order only what is missing. At the end give me the files, and say what all of it cost."""

FILM = """\
First write the storyboard as a table: for each shot of 4 or 8 seconds what is seen, how the camera moves and what is \
heard. Describe a person or a place in the same words every time, or they will change from shot to shot. Quote one \
picture, one clip and the music, and show me the table before anything is made."""

AD = """\
First write three hooks, each with one spoken line of at most two words a second; say nothing of the product that I \
did not. When I have chosen, quote the picture, the clip, the voice and the music. If I gave you a picture of the \
product, say `images` with it, so that the product looks like itself."""

ARTICLE = """\
If it is an address, read the page first; if you cannot, say so and ask me for the text. Speak the article and nothing \
else: no menus, captions or notes. Write numbers and short forms as they are spoken, and divide the text at paragraphs \
into parts that the model takes (describe_model says how long they may be), all in the same voice. Quote one part."""


def register(server: MCPServer[Any], desk: Desk) -> None:
    """Offer the prompts; what whoever asks has no tools for, they leave out."""
    server.middleware.append(fitting(server))

    @server.prompt(title="Make a short film")
    def storyboard_film(
        idea: Annotated[str, Field(description="what the film is about")],
        seconds: Annotated[str, Field(description="how long, about")] = "20",
        style: Annotated[str, Field(description="how it looks and feels")] = "",
    ) -> str:
        """From an idea to a storyboard, and from there to a film with music, at a price you agree to first."""
        return told(
            f"Make me a film of about {seconds} seconds with Callsheet. The idea: {idea}",
            f"Its style: {style}" if style else "Propose a style that suits it.",
            FILM,
            planned(
                desk,
                ("generate_image", {"prompt": "shot 1 …", "aspect_ratio": "16:9"}),
                ("generate_video", {"image": "$1", "prompt": "slow push in …", "duration_seconds": 4}),
                ("generate_image", {"prompt": "shot 2 …", "aspect_ratio": "16:9"}),
                ("generate_video", {"image": "$3", "prompt": "she turns …", "duration_seconds": 4}),
                ("generate_music", {"prompt": "…", "instrumental": True}),
                ("merge_videos", {"videos": ["$2", "$4"]}),
                ("add_audio", {"video": "$6", "audio": "$5", "volume": 0.4}),
            ),
            WAIT,
        )

    @server.prompt(title="Make an advertisement")
    def make_ad(
        product: Annotated[str, Field(description="what is sold, and a picture of it if there is one")],
        audience: Annotated[str, Field(description="whom it is for")] = "",
        seconds: Annotated[str, Field(description="how long, about")] = "15",
    ) -> str:
        """A short advertisement with a spoken line, music and captions, at a price you agree to first."""
        return told(
            f"Make an advertisement of about {seconds} seconds with Callsheet, upright (9:16), for: {product}",
            f"It is for {audience}." if audience else "Ask me whom it is for, unless that is plain.",
            AD,
            planned(
                desk,
                ("generate_image", {"prompt": "the product …", "aspect_ratio": "9:16"}),
                ("generate_video", {"image": "$1", "prompt": "…", "duration_seconds": 8}),
                ("generate_speech", {"text": "the line"}),
                ("generate_music", {"prompt": "…", "instrumental": True}),
                ("add_audio", {"video": "$2", "audio": "$4", "volume": 0.3}),
                ("add_audio", {"video": "$5", "audio": "$3"}),
                ("burn_subtitles", {"video": "$6", "subtitles": "1\n00:00:01,000 --> 00:00:05,000\nthe line\n"}),
            ),
            WAIT,
        )

    @server.prompt(title="Let an article be read aloud")
    def narrate_article(
        text_or_url: Annotated[str, Field(description="the article, or where it is")],
        language: Annotated[str, Field(description="the language to speak, if not its own")] = "",
        voice: Annotated[str, Field(description="whose voice, by name or in words")] = "",
    ) -> str:
        """An article as one recording, with a cover, at a price you agree to first."""
        return told(
            f"Read this to me with Callsheet: {text_or_url}",
            f"Speak {language}; translate it faithfully first." if language else "Keep its language.",
            f"The voice: {voice}. list_voices shows those there are." if voice else "Choose a voice from list_voices.",
            ARTICLE,
            planned(
                desk,
                ("generate_speech", {"text": "first part …"}),
                ("generate_speech", {"text": "second part …"}),
                ("generate_image", {"prompt": "a cover …", "aspect_ratio": "1:1"}),
                ("merge_audio", {"audios": ["$1", "$2"]}),
            ),
            WAIT,
        )


def fitting(server: MCPServer[Any]) -> ServerMiddleware[Any]:
    """Middleware: who asks for a prompt that is not there, or with the wrong words, is told which; the SDK would take
    it for a fault of ours."""

    async def fit(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        name, said = ((ctx.params or {}).get(word) for word in ("name", "arguments"))
        if ctx.method == "prompts/get" and isinstance(name, str) and isinstance(said, dict | None):
            known = {prompt.name: prompt.arguments or [] for prompt in await server.list_prompts()}
            if name not in known:
                raise MCPError(INVALID_PARAMS, f"There is no prompt `{name:.80}`. There are {listed(list(known))}.")
            wanted = {one.name for one in known[name] if one.required} - set(said or {})
            odd = set(said or {}) - {one.name for one in known[name]}
            if wanted or odd:
                takes = listed([one.name for one in known[name]])
                fault = f"needs `{min(wanted)}`" if wanted else f"does not know `{min(odd):.80}`"
                raise MCPError(INVALID_PARAMS, f"{name} {fault}. It takes {takes}.")
        return await call_next(ctx)

    return fit


def planned(desk: Desk, *calls: tuple[str, dict[str, Any]]) -> str:
    """How to order all of it at once, as far as there are tools for it."""
    there = [(tool, said) for tool, said in calls if desk.admits(tool)]
    lines = [json.dumps({"tool": tool, "arguments": said}, ensure_ascii=False) for tool, said in there]
    return told(PLAN.format(calls=",\n  ".join(lines)), APART if len(there) < len(calls) else "")


def told(*paragraphs: str) -> str:
    """What is said, paragraph by paragraph."""
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
