"""Phantaisia (eventstation.ai): create gives an id, and its state is asked for by POST; a failed job answers 200 too.

Source: the vendor's help page on the video endpoint, and for images client code that talks to the live host (2026).
There is no route for a balance, and prices of videos are published nowhere.
"""

from dataclasses import replace

from callsheet.backends.dialect import Answer, Dialect, Route, Step, part
from callsheet.catalogue.model import Model

STATUS = {
    "/v1/run/face_swap": "/v2/status",
    "/v2/run/filter_id/": "/v2/status",
    "/v3/run/multi_swap": "/v3/status_multi_swap",
}
"""Where the state of an image job is asked for, by where it was created."""


class Phantaisia(Dialect):
    """Stills set in motion, and filters for pictures of people."""

    sandbox_key = "phantaisia_sandbox"
    ids = ("id",)
    concurrent = 3
    floor_s = 5.0
    """The vendor advises a look every 5 to 10 s."""

    def look(self, endpoint: str, ticket: str) -> Route:
        """All videos share the route that is named after one kind of them."""
        return Route("POST", f"{STATUS.get(endpoint, '/v1/status/single_frame_video')}/{part(ticket)}")

    def seen(self, ask: Model, answer: Answer) -> Step:
        """As usual, with the members of `output` beside the others, and its error where errors are looked for."""
        output = answer.object.get("output")
        if isinstance(output, dict):
            why = {"error": output["video_error"]} if output.get("video_error") else {}
            answer = replace(answer, body=output | answer.object | why)
        return super().seen(ask, answer)
