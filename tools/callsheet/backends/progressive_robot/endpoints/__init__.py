"""Progressive Robot's free routes as tools, in toolsets of their own that are off unless asked for.

What handles a secret or buys credits (sign-up, log-in, log-out, passwords, e-mail, keys, top-up, checkout, portal) is
none of them: only `callsheet api` reaches it.
"""

from callsheet.backends.progressive_robot.endpoints.account import ACCOUNT
from callsheet.backends.progressive_robot.endpoints.publish import PUBLISH
from callsheet.backends.progressive_robot.endpoints.route import Endpoint
from callsheet.backends.progressive_robot.endpoints.studio import STUDIO
from callsheet.backends.progressive_robot.endpoints.team import TEAM

ENDPOINTS: tuple[type[Endpoint], ...] = (*ACCOUNT, *STUDIO, *PUBLISH, *TEAM)
"""Every route that is a tool, in the order in which they are shown."""
