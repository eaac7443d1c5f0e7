"""openrouter: pictures and their prices, a film from submit to bytes, speech, hearing, what it all cost."""

import base64
import sys
import time

from openrouter import OpenRouter

from callsheet_sandbox import props

with OpenRouter(api_key="sk-or-v1-sdk-not-a-real-key", server_url=f"{sys.argv[1]}/openrouter/api/v1") as client:
    model = "bytedance-seed/seedream-5-0-flash"
    made = client.images.generate(model=model, prompt="a fox", aspect_ratio="16:9", resolution="512")
    assert props.facts(base64.b64decode(made.data[0].b64_json)).mime == "image/png"
    assert made.usage.cost == 0.018
    assert model in {row.id for row in client.images.list_models().data}
    print("openrouter: a picture, and its price")

    job = client.video_generation.generate(
        model="google/veo-3.1-lite", prompt="a fox", duration=4, generate_audio=False
    )
    while (state := client.video_generation.get_generation(job_id=job.id)).status != "completed":
        assert state.status in ("pending", "in_progress")
        time.sleep(0.02)
    assert state.usage.cost == 0.12
    film = client.video_generation.get_video_content(job_id=job.id)
    assert props.facts(film.read()).mime == "video/mp4"
    print("openrouter: a film")

    speech = client.tts.create_speech(model="hexgrad/kokoro-82m", input="A boat is here.", response_format="mp3")
    sound = speech.read()
    assert props.facts(sound).mime == "audio/mpeg"
    encoded = {"data": base64.b64encode(sound).decode(), "format": "mp3"}
    heard = client.stt.create_transcription(model="openai/whisper-1", input_audio=encoded)
    assert heard.text == "A boat is here."
    print("openrouter: speech, and its words")

    said = client.chat.send(model="openai/gpt-6-luna", messages=[{"role": "user", "content": "hello"}])
    assert "hello" in said.choices[0].message.content
    assert client.api_keys.get_current_key_metadata().data.usage > 0
    print("openrouter: chat, and what was used")
