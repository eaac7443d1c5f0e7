"""Projects, their shots, elements and comments; and help with prompts."""

from typing import Annotated, Literal

from pydantic import Field

from callsheet.backends.progressive_robot.endpoints.route import Endpoint
from callsheet.catalogue.model import Input

Text = Annotated[str, Field(min_length=1)]
Own = Annotated[str, Input("video", by="name")]


class ScriptToShots(Endpoint):
    """Break a script down into shots."""

    name, toolset, method, path = "script_to_shots", "studio", "POST", "/api/studio/script-to-shots"
    changes, account_wide = False, False

    script: Text
    model: str | None = None


class ListProjects(Endpoint):
    """Your projects at Progressive Robot."""

    name, toolset, path = "list_projects", "studio", "/api/projects"


class CreateProject(Endpoint):
    """Start a project."""

    name, toolset, method, path = "create_project", "studio", "POST", "/api/projects"

    called: Text = Field(alias="name")


class GetProject(Endpoint):
    """A project with its shots and what was made for it."""

    name, toolset, path = "get_project", "studio", "/api/projects/{project_id}"

    project_id: int


class UpdateProject(Endpoint):
    """Rename or describe a project, or set its model."""

    name, toolset, method, path = "update_project", "studio", "PUT", "/api/projects/{project_id}"

    project_id: int
    called: Text | None = Field(default=None, alias="name")
    description: str | None = None
    model: str | None = None


class DeleteProject(Endpoint):
    """Delete a project and its shots."""

    name, toolset, method, path = "delete_project", "studio", "DELETE", "/api/projects/{project_id}"

    project_id: int


class DuplicateProject(Endpoint):
    """Copy a project with its shots and elements."""

    name, toolset, method, path = "duplicate_project", "studio", "POST", "/api/projects/{project_id}/duplicate"

    project_id: int


class Shot(Endpoint):
    """What can be said of a shot."""

    toolset = "studio"

    project_id: int
    prompt: str | None = None
    notes: str | None = None
    duration: Annotated[float, Field(gt=0)] | None = None
    shot_type: str | None = None
    camera_move: str | None = None
    transition: str | None = None


class AddShot(Shot):
    """Add a shot to a project."""

    name, method, path = "add_shot", "POST", "/api/projects/{project_id}/shots"


class UpdateShot(Shot):
    """Change a shot, or link the video made for it."""

    name, method, path = "update_shot", "PUT", "/api/projects/{project_id}/shots/{shot_id}"

    shot_id: int
    video: Own | None = Field(default=None, serialization_alias="filename")


class DeleteShot(Endpoint):
    """Delete a shot."""

    name, toolset, method = "delete_shot", "studio", "DELETE"
    path = "/api/projects/{project_id}/shots/{shot_id}"

    project_id: int
    shot_id: int


class ReorderShots(Endpoint):
    """Put a project's shots in another order, by all their ids."""

    name, toolset, method, path = "reorder_shots", "studio", "POST", "/api/projects/{project_id}/shots/reorder"

    project_id: int
    order: list[int]


class ListElements(Endpoint):
    """A project's characters, props and locations."""

    name, toolset, path = "list_elements", "studio", "/api/projects/{project_id}/elements"

    project_id: int


class AddElement(Endpoint):
    """Add a character, prop or location."""

    name, toolset, method, path = "add_element", "studio", "POST", "/api/projects/{project_id}/elements"

    project_id: int
    type: Literal["character", "prop", "location"]
    called: Text = Field(alias="name")
    description: str | None = None


class UpdateElement(Endpoint):
    """Change an element."""

    name, toolset, method = "update_element", "studio", "PUT"
    path = "/api/projects/{project_id}/elements/{element_id}"

    project_id: int
    element_id: int
    type: Literal["character", "prop", "location"] | None = None
    called: Text | None = Field(default=None, alias="name")
    description: str | None = None


class DeleteElement(Endpoint):
    """Delete an element."""

    name, toolset, method = "delete_element", "studio", "DELETE"
    path = "/api/projects/{project_id}/elements/{element_id}"

    project_id: int
    element_id: int


class ListComments(Endpoint):
    """Comments on a project."""

    name, toolset, path = "list_comments", "studio", "/api/projects/{project_id}/comments"

    project_id: int


class AddComment(Endpoint):
    """Comment on a project, or on one shot of it."""

    name, toolset, method, path = "add_comment", "studio", "POST", "/api/projects/{project_id}/comments"

    project_id: int
    text: Text
    shot_id: int | None = None


class DeleteComment(Endpoint):
    """Delete a comment."""

    name, toolset, method = "delete_comment", "studio", "DELETE"
    path = "/api/projects/{project_id}/comments/{comment_id}"

    project_id: int
    comment_id: int


class ImprovePrompt(Endpoint):
    """Turn a simple idea into a better prompt."""

    name, toolset, method, path = "improve_prompt", "studio", "POST", "/api/generate-prompt"
    changes, account_wide = False, False

    idea: Text
    model: str | None = None


class CompletePrompt(Endpoint):
    """Prompts from your own history that go on from a beginning."""

    name, toolset, path = "complete_prompt", "studio", "/api/prompts/autocomplete"

    q: str


class ListTemplates(Endpoint):
    """Your prompt templates."""

    name, toolset, path = "list_templates", "studio", "/api/templates"


class SaveTemplate(Endpoint):
    """Keep a prompt to use again."""

    name, toolset, method, path = "save_template", "studio", "POST", "/api/templates"

    called: Text = Field(alias="name")
    prompt: Text
    negative_prompt: str | None = None
    model: str | None = None


class DeleteTemplate(Endpoint):
    """Delete a prompt template."""

    name, toolset, method, path = "delete_template", "studio", "DELETE", "/api/templates/{template_id}"

    template_id: int


STUDIO: tuple[type[Endpoint], ...] = (
    *(ListProjects, CreateProject, GetProject, UpdateProject, DuplicateProject, DeleteProject),
    *(ScriptToShots, AddShot, UpdateShot, ReorderShots, DeleteShot),
    *(ListElements, AddElement, UpdateElement, DeleteElement, ListComments, AddComment, DeleteComment),
    *(ImprovePrompt, CompletePrompt, ListTemplates, SaveTemplate, DeleteTemplate),
)
