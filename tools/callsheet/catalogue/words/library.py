"""Words for what lies elsewhere: platforms, stock, projects, brand kits."""

from typing import Literal

from callsheet.catalogue.words.base import Words


class DownloadStock(Words):
    """Take a stock medium that search_stock found, so that edits can use it."""

    operation, toolset = "download_stock", "library"

    url: str
    type: Literal["video", "image", "music"]


class DownloadVideo(Words):
    """Fetch a video, or its sound, from a public platform."""

    operation, toolset = "download_video", "library"

    url: str


class ApplyBrandKit(Words):
    """Dress a video in a brand kit."""

    operation, toolset, account_wide = "apply_brand_kit", "team", True

    video: str
    brand_kit_id: int


class ExportProject(Words):
    """Join the videos of a project's shots to one film."""

    operation, toolset, account_wide = "export_project", "studio", True

    project_id: int
    resolution: str | None = None
