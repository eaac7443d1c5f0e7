"""fal-client: submit, watch, fetch, cancel, upload. Its hosts are constants, always https, so they are set by hand."""

import os
import sys
import tempfile
from pathlib import Path

os.environ["FAL_KEY"] = "sdk:not-a-real-secret"

import fal_client
from fal_client import client

from callsheet_sandbox import props
from tests.sandbox.sdks import fetched

origin = sys.argv[1]
client.QUEUE_URL_FORMAT = f"{origin}/fal/"
client.REST_URL = client.CDN_URL = f"{origin}/fal"

handle = fal_client.submit("fal-ai/flux/schnell", {"prompt": "a fox", "image_size": {"width": 128, "height": 96}})
states = [type(event).__name__ for event in handle.iter_events(with_logs=True, interval=0.01)]
assert states[-1] == "Completed"
found = fetched(handle.get()["images"][0]["url"])
assert (found.mime, found.width, found.height) == ("image/jpeg", 128, 96)
print("fal-client: a picture after", *dict.fromkeys(states))
try:
    handle.cancel()
except fal_client.FalClientHTTPError as error:
    assert error.status_code == 400
else:
    raise AssertionError("cancelled after the end")
try:
    fal_client.submit("fal-ai/flux/schnell", {"prompt": "a fox", "aspect_ratio": "1:1"})
except fal_client.FalClientHTTPError as error:
    assert "aspect_ratio" in str(error)
else:
    raise AssertionError("an unknown field was taken")

with tempfile.TemporaryDirectory() as folder:
    still = Path(folder) / "boat.png"
    still.write_bytes(props.picture("a boat", 96, 64))
    url = fal_client.upload_file(still)
assert fetched(url).mime == "image/png"
result = fal_client.subscribe("fal-ai/bria/background/remove", {"image_url": url})
assert fetched(result["image"]["url"]).width == 96
print("fal-client: an upload, and its cut-out")
