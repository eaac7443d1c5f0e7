"""What is shown to others: hosted pages, shared generations, and the community's prompts."""

from typing import Annotated, Literal

from pydantic import Field

from callsheet.backends.progressive_robot.endpoints.route import Endpoint
from callsheet.catalogue.model import Input

Text = Annotated[str, Field(min_length=1)]


class Page(Endpoint):
    """What can be said of a hosted page; a password is set with `callsheet api` only."""

    toolset = "publish"

    title: Text | None = None
    description: str | None = None
    cta_text: str | None = None
    cta_url: str | None = None
    visibility: str | None = None


class CreatePage(Page):
    """Host a page around a video; answers its public URL and embed code. Pro plan."""

    name, method, path = "create_page", "POST", "/api/hosting/pages"

    video: Annotated[str, Input("video", by="name")] = Field(serialization_alias="video_filename")


class ListPages(Endpoint):
    """Your hosted pages."""

    name, toolset, path = "list_pages", "publish", "/api/hosting/pages"


class GetPage(Endpoint):
    """A hosted page."""

    name, toolset, path = "get_page", "publish", "/api/hosting/pages/{page_id}"

    page_id: int


class UpdatePage(Page):
    """Change a hosted page."""

    name, method, path = "update_page", "PUT", "/api/hosting/pages/{page_id}"

    page_id: int


class DeletePage(Endpoint):
    """Delete a hosted page."""

    name, toolset, method, path = "delete_page", "publish", "DELETE", "/api/hosting/pages/{page_id}"

    page_id: int


class GetPageViews(Endpoint):
    """A hosted page's views: total, unique, by referrer and day."""

    name, toolset, path = "get_page_views", "publish", "/api/hosting/pages/{page_id}/analytics"

    page_id: int


class ShareGeneration(Endpoint):
    """Make a share token for a video, by its number in list_generations."""

    name, toolset, method, path = "share_generation", "publish", "POST", "/api/generations/{generation_id}/share"

    generation_id: int


class PublishGeneration(Endpoint):
    """Show a video in the public gallery, or hide it again (toggles)."""

    name, toolset, method, path = "publish_generation", "publish", "POST", "/api/generations/{generation_id}/public"

    generation_id: int


class GetShared(Endpoint):
    """What a share token shows."""

    name, toolset, path = "get_shared", "publish", "/api/share/{token}"
    account_wide = False

    token: Text


class ListGallery(Endpoint):
    """The public gallery."""

    name, toolset, path = "list_gallery", "publish", "/api/gallery/community"
    account_wide = False


class ListPrompts(Endpoint):
    """The community's prompts."""

    name, toolset, path = "list_community_prompts", "community", "/api/community/prompts"
    account_wide = False

    sort: str | None = None
    tag: str | None = None
    model: str | None = None
    page: Annotated[int, Field(ge=1)] | None = None


class SharePrompt(Endpoint):
    """Share a prompt with everybody; it is moderated first."""

    name, toolset, method, path = "share_prompt", "community", "POST", "/api/community/prompts"

    prompt: Text
    title: str | None = None
    model: str | None = None
    tags: list[str] | None = None


class VotePrompt(Endpoint):
    """Vote a community prompt up (1) or down (-1)."""

    name, toolset, method, path = "vote_prompt", "community", "POST", "/api/community/prompts/{prompt_id}/vote"

    prompt_id: int
    vote: Literal[1, -1]


class UsePrompt(Endpoint):
    """A community prompt's text; counts as a use."""

    name, toolset, method, path = "use_prompt", "community", "POST", "/api/community/prompts/{prompt_id}/use"

    prompt_id: int


class DeletePrompt(Endpoint):
    """Delete your own community prompt."""

    name, toolset, method, path = "delete_prompt", "community", "DELETE", "/api/community/prompts/{prompt_id}"

    prompt_id: int


PUBLISH: tuple[type[Endpoint], ...] = (
    *(CreatePage, ListPages, GetPage, UpdatePage, DeletePage, GetPageViews),
    *(ShareGeneration, PublishGeneration, GetShared, ListGallery),
    *(ListPrompts, SharePrompt, VotePrompt, UsePrompt, DeletePrompt),
)
