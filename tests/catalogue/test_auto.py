"""The order in which `auto` tries models, pinned: whoever changes it says so here."""

from callsheet.backends import registry
from callsheet.catalogue.words import OPERATIONS
from callsheet.settings.backends import load

ORDER = """
generate_image: phaya/z-image phaya/seedream-5.0 phaya/nano-banana-2 phaya/gpt-image-2 progressive-robot/flux
    progressive-robot/flux-dev progressive-robot/sd15 progressive-robot/flux-edit
generate_video: local/ffmpeg* phaya/seedance-1.5-pro phaya/veo-3.1-fast phaya/sora-2
    phaya/kling-2.6-motion-control phaya/veo-3.1 phaya/ken-burns* progressive-robot/wan-t2v
    progressive-robot/wan-i2v progressive-robot/wan-flf progressive-robot/wan-s2v
    progressive-robot/liveportrait progressive-robot/wan-animate progressive-robot/ltx-t2v
    progressive-robot/ltx-i2v progressive-robot/ltx-flf progressive-robot/echomimic
    progressive-robot/ltx-quality progressive-robot/hunyuan15-t2v progressive-robot/hunyuan15-i2v
    progressive-robot/hunyuan-t2v progressive-robot/cogvideo-t2v progressive-robot/svd-i2v
    progressive-robot/dreamidv progressive-robot/wan-vace* progressive-robot/animatediff
    progressive-robot/ltx-camera* progressive-robot/ltx-control* ph0ny/auto ph0ny/ltx-video ph0ny/runway*
    ph0ny/sora* phantaisia/simple phantaisia/advanced phantaisia/performance
generate_speech: phaya/gemini-tts ph0ny/auto ph0ny/kokoro ph0ny/cartesia ph0ny/elevenlabs ph0ny/deepgram
    ph0ny/fish-audio ph0ny/resemble-ai ph0ny/inworld ph0ny/chatterbox ph0ny/pocket-tts ph0ny/qwen-tts
    ph0ny/f5-tts ph0ny/cosyvoice progressive-robot/tts
generate_music: phaya/suno progressive-robot/ace-step
generate_subtitles: local/ffmpeg* phaya/thai-subtitle progressive-robot/subtitles
chat: phaya/phaya-gpt phaya/v1:<id>*
trim_video: local/ffmpeg progressive-robot/tools-trim progressive-robot/trim
change_speed: local/ffmpeg progressive-robot/speed
crop_video: local/ffmpeg progressive-robot/crop
resize_video: local/ffmpeg progressive-robot/resize
overlay_text: local/ffmpeg progressive-robot/text-overlay
merge_videos: local/ffmpeg phaya/merge-video progressive-robot/merge
add_audio: local/ffmpeg phaya/merge-audio-video progressive-robot/add-audio progressive-robot/tts-add-to-video
merge_audio: local/ffmpeg phaya/merge-audio
overlay_gif: local/ffmpeg phaya/overlay-gif
extract_frames: local/ffmpeg phaya/extract-last-frame progressive-robot/extract-frames
video_to_gif: local/ffmpeg progressive-robot/video-to-gif
add_watermark: local/ffmpeg progressive-robot/add-watermark
burn_subtitles: local/ffmpeg progressive-robot/subtitles-burn
translate_subtitles: progressive-robot/subtitles-translate
extend_video: progressive-robot/extend-video progressive-robot/wan-i2v progressive-robot/ltx-i2v
    progressive-robot/hunyuan15-i2v progressive-robot/svd-i2v
restyle_video: progressive-robot/v2v
upscale_video: progressive-robot/upscale-video
remove_background: progressive-robot/remove-background
face_swap: progressive-robot/face-swap
generate_3d: progressive-robot/hunyuan3d
download_stock: progressive-robot/stock
apply_brand_kit: progressive-robot/brand-kit
export_project: progressive-robot/export
create_character: phaya/sora-2-character
create_avatar: progressive-robot/echomimic progressive-robot/wan-s2v progressive-robot/liveportrait ph0ny/auto
    ph0ny/hallo3 ph0ny/liveportrait ph0ny/echomimicv2 ph0ny/v-express ph0ny/skyreels-a1 ph0ny/heygen*
lipsync_video: ph0ny/auto ph0ny/latentsync ph0ny/video-retalking ph0ny/musetalk ph0ny/sync-labs*
    ph0ny/heygen-lipsync*
dub_video: ph0ny/auto ph0ny/latentsync ph0ny/video-retalking ph0ny/musetalk ph0ny/sync-labs*
    ph0ny/heygen-lipsync*
clone_voice: ph0ny/auto
apply_filter: phantaisia/filter phantaisia/face-swap phantaisia/multi-swap
analyze_video: ph0ny/auto ph0ny/qwen3-vl ph0ny/qwen2.5-vl ph0ny/internvideo2.5 ph0ny/videochat-flash
    ph0ny/twelve-labs*
transcribe: phaya/transcribe ph0ny/auto
embed: phaya/qwen3-embedding
download_video: phaya/video-download
"""
"""Each operation's models, the preferred first; those with a star only when they are named."""


def test_auto_tries_the_models_in_this_order() -> None:
    catalogue = registry.catalogue(load())
    told = [
        f"{kind}: {' '.join(m.id + '*' * (not m.auto) for m in catalogue.models(kind))}".split() for kind in OPERATIONS
    ]
    assert [word for line in told for word in line] == ORDER.split()
