"""openai: pictures, edits with a mask, speech, hearing, chat, embeddings, files."""

import base64
import sys

from openai import BadRequestError, OpenAI

from callsheet_sandbox import props

client = OpenAI(api_key="sk-not-a-real-key", base_url=f"{sys.argv[1]}/openai/v1", max_retries=0)
flare = "gpt-image-2.5-flare"

made = client.images.generate(
    model=flare, prompt="a fox", size="1024x640", quality="low", output_format="webp", background="transparent"
)
picture = base64.b64decode(made.data[0].b64_json)
assert props.facts(picture).mime == "image/webp"
events = list(client.images.generate(model=flare, prompt="a fox", quality="low", stream=True, partial_images=1))
assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
still = ("fox.webp", picture, "image/webp")
edited = client.images.edit(model=flare, prompt="red", image=[still, still], quality="low", size="1024x640")
assert edited.usage.input_tokens_details.image_tokens == 3200
print("openai: a picture, a stream of one, an edit of two")

speech = client.audio.speech.create(
    model="gpt-4o-mini-tts", voice="marin", input="A boat is here.", response_format="wav"
)
assert props.facts(speech.content).mime == "audio/wav"
heard = client.audio.transcriptions.create(
    model="whisper-1",
    file=("boat.wav", speech.content),
    response_format="verbose_json",
    timestamp_granularities=["word"],
)
assert heard.words[0].word == "A"
new = client.audio.transcriptions.create(model="gpt-transcribe", file=("boat.wav", speech.content))
assert new.text == client.audio.translations.create(model="whisper-1", file=("boat.wav", speech.content)).text
print("openai: speech, and its words")

reply = client.chat.completions.create(model="gpt-6-luna", messages=[{"role": "user", "content": "hello"}])
assert "hello" in reply.choices[0].message.content
pieces = client.chat.completions.create(
    model="gpt-6-luna", messages=[{"role": "user", "content": "hello"}], stream=True
)
assert "hello" in "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
vector = client.embeddings.create(model="text-embedding-3-small", input="a fox", dimensions=32).data[0].embedding
assert len(vector) == 32
file = client.files.create(file=("fox.webp", picture), purpose="vision")
assert client.files.content(file.id).read() == picture
assert flare in {model.id for model in client.models.list()}
print("openai: chat, a vector, a file, the models")

try:
    client.images.generate(model=flare, prompt="a fox [blocked]")
except BadRequestError as error:
    assert error.code == "moderation_blocked"
    assert error.request_id
else:
    raise AssertionError("the filter let it pass")
