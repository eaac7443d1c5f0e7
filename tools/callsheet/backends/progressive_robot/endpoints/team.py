"""Organisations and brand kits, both from the Pro plan on."""

from typing import Annotated, Literal

from pydantic import Field

from callsheet.backends.progressive_robot.endpoints.route import Endpoint
from callsheet.catalogue.model import Input

Text = Annotated[str, Field(min_length=1)]
Role = Literal["member", "admin", "reviewer"]


class CreateOrg(Endpoint):
    """Found an organisation. Pro plan."""

    name, toolset, method, path = "create_org", "team", "POST", "/api/orgs"

    called: Text = Field(alias="name")


class ListOrgs(Endpoint):
    """Your organisations."""

    name, toolset, path = "list_orgs", "team", "/api/orgs"


class InviteMember(Endpoint):
    """Invite somebody into an organisation, by e-mail."""

    name, toolset, method, path = "invite_member", "team", "POST", "/api/orgs/{org_id}/invite"

    org_id: int
    email: Text
    role: Role


class AcceptInvite(Endpoint):
    """Join an organisation with the token of an invitation."""

    name, toolset, method, path = "accept_invite", "team", "POST", "/api/orgs/accept-invite"

    token: Text


class ListMembers(Endpoint):
    """An organisation's members."""

    name, toolset, path = "list_members", "team", "/api/orgs/{org_id}/members"

    org_id: int


class SetRole(Endpoint):
    """Change what a member may do; for an organisation's admins."""

    name, toolset, method, path = "set_role", "team", "PUT", "/api/orgs/{org_id}/members/{user_id}/role"
    destroys = True

    org_id: int
    user_id: int
    role: Role


class RemoveMember(Endpoint):
    """Remove a member; for an organisation's admins."""

    name, toolset, method, path = "remove_member", "team", "DELETE", "/api/orgs/{org_id}/members/{user_id}"

    org_id: int
    user_id: int


class ListOrgProjects(Endpoint):
    """An organisation's projects."""

    name, toolset, path = "list_org_projects", "team", "/api/orgs/{org_id}/projects"

    org_id: int


class CreateOrgProject(Endpoint):
    """Start a project in an organisation."""

    name, toolset, method, path = "create_org_project", "team", "POST", "/api/orgs/{org_id}/projects"

    org_id: int
    called: Text = Field(alias="name")


class BrandKit(Endpoint):
    """What can be said of a brand kit."""

    toolset = "team"

    primary_color: str | None = None
    secondary_color: str | None = None
    font: str | None = None
    logo_position: str | None = None


class CreateBrandKit(BrandKit):
    """Make a brand kit (colours as #rrggbb). Pro plan."""

    name, method, path = "create_brand_kit", "POST", "/api/brand-kits"

    called: Text = Field(alias="name")


class ListBrandKits(Endpoint):
    """Your brand kits."""

    name, toolset, path = "list_brand_kits", "team", "/api/brand-kits"


class UpdateBrandKit(BrandKit):
    """Change a brand kit."""

    name, method, path = "update_brand_kit", "PUT", "/api/brand-kits/{brand_kit_id}"

    brand_kit_id: int
    called: Text | None = Field(default=None, alias="name")


class DeleteBrandKit(Endpoint):
    """Delete a brand kit."""

    name, toolset, method, path = "delete_brand_kit", "team", "DELETE", "/api/brand-kits/{brand_kit_id}"

    brand_kit_id: int


class UploadLogo(Endpoint):
    """Give a brand kit its logo."""

    name, toolset, method, path = "upload_brand_logo", "team", "POST", "/api/brand-kits/{brand_kit_id}/upload-logo"

    brand_kit_id: int
    image: Annotated[str, Input("image", by="file")] = Field(serialization_alias="logo")


class UploadIntro(Endpoint):
    """Give a brand kit its intro clip."""

    name, toolset, method, path = "upload_brand_intro", "team", "POST", "/api/brand-kits/{brand_kit_id}/upload-intro"

    brand_kit_id: int
    video: Annotated[str, Input("video", by="file")] = Field(serialization_alias="intro")


TEAM: tuple[type[Endpoint], ...] = (
    *(CreateOrg, ListOrgs, InviteMember, AcceptInvite, ListMembers, SetRole, RemoveMember),
    *(ListOrgProjects, CreateOrgProject),
    *(CreateBrandKit, ListBrandKits, UpdateBrandKit, DeleteBrandKit, UploadLogo, UploadIntro),
)
