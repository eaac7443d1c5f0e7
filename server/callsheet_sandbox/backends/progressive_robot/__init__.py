"""Progressive Robot in the sandbox: the 129 routes below `/api/`, and the pages and files that they point to.

Stricter than a real one would be: unknown fields are 400, because that is what finds our mistakes. Any key that starts
`pk_` opens an account on the Pro tier; one that starts `pk_free_`, `pk_creator_` and so on opens it on that tier, and
opening the address that `POST /api/stripe/create-checkout` gives moves it to another. Source media go by the names
that the generate route knows, for the page names none. A request that holds `[fail]` fails and costs nothing.
"""

from callsheet_sandbox.backends.progressive_robot.account import Account
from callsheet_sandbox.backends.progressive_robot.audio import Audio
from callsheet_sandbox.backends.progressive_robot.billing import Billing
from callsheet_sandbox.backends.progressive_robot.brand import Brand
from callsheet_sandbox.backends.progressive_robot.community import Community
from callsheet_sandbox.backends.progressive_robot.door import Robot
from callsheet_sandbox.backends.progressive_robot.edit import Edit
from callsheet_sandbox.backends.progressive_robot.generations import Generations
from callsheet_sandbox.backends.progressive_robot.hosting import Hosting
from callsheet_sandbox.backends.progressive_robot.image import Image
from callsheet_sandbox.backends.progressive_robot.notes import Notes
from callsheet_sandbox.backends.progressive_robot.orgs import Orgs
from callsheet_sandbox.backends.progressive_robot.prompts import Prompts
from callsheet_sandbox.backends.progressive_robot.stock import Stock
from callsheet_sandbox.backends.progressive_robot.studio import Studio
from callsheet_sandbox.backends.progressive_robot.subtitles import Subtitles
from callsheet_sandbox.backends.progressive_robot.tools import Tools
from callsheet_sandbox.backends.progressive_robot.video import Video
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Desk


def desk(box: Box, *, tier: str = "pro") -> Desk:
    """Progressive Robot's front desk; `tier` is what new accounts start on."""
    robot = Robot(box, tier)
    generations = Generations(robot)
    for section in (Video, Image, Audio, Studio, Billing):
        section(robot, generations)
    for part in (Subtitles, Edit, Tools, Notes, Hosting, Community, Stock, Orgs, Brand, Prompts, Account):
        part(robot)
    return robot
