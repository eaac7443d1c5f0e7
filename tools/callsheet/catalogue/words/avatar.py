"""Words for people and things: characters, avatars, lips, voices, solids."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from callsheet.catalogue.words.base import Prompt, Words


class CreateCharacter(Words):
    """Make a character, to appear in later videos, from 1 to 4 s of video; the receipt's text is its id."""

    operation, toolset = "create_character", "avatar"

    video: str
    prompt: str | None = None


class CreateAvatar(Words):
    """Let the person in a picture speak: a recording (audio), or a text in a voice."""

    operation, toolset = "create_avatar", "avatar"

    image: str
    audio: str | None = None
    text: Prompt | None = None
    voice: str | None = None
    language: str | None = None


class LipsyncVideo(Words):
    """Move the lips in a video to another recording."""

    operation, toolset = "lipsync_video", "avatar"

    video: str
    audio: str


class DubVideo(Words):
    """Let a video speak another language (es-ES)."""

    operation, toolset = "dub_video", "avatar"

    video: str
    target_language: str
    source_language: str | None = None
    voice: str | None = None


class CloneVoice(Words):
    """Make a voice, named by its title, out of recordings of a person who agrees; the receipt's text is its id."""

    operation, toolset = "clone_voice", "avatar"
    personal: ClassVar[Mapping[str, str]] = {
        "consent": "The speaker's own words that this is their voice and may be cloned"
    }

    title: Prompt
    audios: Annotated[list[str], Field(min_length=1)]
    language: str | None = None
    description: str | None = None
    consent: SkipJsonSchema[str | None] = None


class Generate3D(Words):
    """Make a solid thing (.glb) from text or a picture."""

    operation, toolset = "generate_3d", "avatar"

    prompt: Prompt | None = None
    image: str | None = None
    seed: int | None = None
