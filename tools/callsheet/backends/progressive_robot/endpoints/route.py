"""What Progressive Robot's free routes have in common."""

from callsheet.backends import endpoint


class Endpoint(endpoint.Endpoint):
    """A free route of Progressive Robot's."""

    backend = "progressive-robot"
