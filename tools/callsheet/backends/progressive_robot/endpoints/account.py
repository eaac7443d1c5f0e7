"""The account as far as no secret and no purchase is concerned, the library of what was made, and stock media."""

from typing import Annotated, Literal

from pydantic import Field

from callsheet.backends.progressive_robot.endpoints.route import Endpoint
from callsheet.catalogue.model import Input, spelt


class CheckAccount(Endpoint):
    """Progressive Robot's word on your plan, credits and limits."""

    name, toolset, path = "check_account", "account", "/api/auth/check"


class GetProfile(Endpoint):
    """Your profile at Progressive Robot."""

    name, toolset, path = "get_profile", "account", "/api/profile"


class UpdateProfile(Endpoint):
    """Change your profile."""

    name, toolset, method, path = "update_profile", "account", "POST", "/api/profile"

    display_name: str | None = None
    bio: str | None = None
    profile_public: bool | None = None


class SetAvatar(Endpoint):
    """Give your profile a picture."""

    name, toolset, method, path = "set_avatar", "account", "POST", "/api/profile/avatar"

    image: Annotated[str, Input("image", by="file")] = Field(serialization_alias="avatar")


class SetTheme(Endpoint):
    """How Progressive Robot's site looks to you."""

    name, toolset, method, path = "set_theme", "account", "POST", "/api/settings/theme"

    theme: Literal["dark", "light"]


class CreditHistory(Endpoint):
    """Where your credits came from and went."""

    name, toolset, path = "get_credit_history", "account", "/api/credits/history"


class GetSubscription(Endpoint):
    """Your subscription."""

    name, toolset, path = "get_subscription", "account", "/api/subscription"


class GetPricing(Endpoint):
    """Progressive Robot's plans and credit rules."""

    name, toolset, path = "get_pricing", "account", "/api/pricing"
    account_wide = False


class GetUsage(Endpoint):
    """Generations and spending by day."""

    name, toolset, path = "get_usage", "account", "/api/analytics/usage"


class GetSummary(Endpoint):
    """Totals: generations, images, video minutes, favourite model."""

    name, toolset, path = "get_usage_summary", "account", "/api/analytics/summary"


class GetQueue(Endpoint):
    """The queue's length, and your own jobs in it."""

    name, toolset, path = "get_queue", "account", "/api/queue"


class CheckGpu(Endpoint):
    """Whether Progressive Robot's GPUs are up."""

    name, toolset, path = "check_gpu", "account", "/api/comfyui/status"
    account_wide = False


class SearchStock(Endpoint):
    """Find stock media (Pexels, Pixabay); download_stock brings one in. Creator plan."""

    name, toolset, path = "search_stock", "library", "/api/stock/{kind}"
    account_wide = False

    kind: Literal["videos", "images", "music"]
    query: Annotated[str, Field(min_length=1)]
    page: Annotated[int, Field(ge=1)] | None = None
    per_page: Annotated[int, Field(ge=1, le=30)] | None = None


class FavoriteGeneration(Endpoint):
    """Mark a video of list_generations as a favourite, or unmark it (toggles)."""

    name, toolset, method, path = "favorite_generation", "library", "POST", "/api/generations/{generation_id}/favorite"

    generation_id: int


class DeleteGeneration(Endpoint):
    """Delete something of list_generations and its file at Progressive Robot."""

    name, toolset, method, path = "delete_generation", "library", "DELETE", "/api/{kind}generations/{generation_id}"

    kind: Annotated[Literal["video", "image", "audio"], spelt({"video": "", "image": "image-", "audio": "audio-"})]
    generation_id: int


ACCOUNT: tuple[type[Endpoint], ...] = (
    *(SearchStock, FavoriteGeneration, DeleteGeneration),
    *(CheckAccount, GetProfile, UpdateProfile, SetAvatar, SetTheme),
    *(CreditHistory, GetSubscription, GetPricing, GetUsage, GetSummary, GetQueue, CheckGpu),
)
