#!/usr/bin/env bash
# Makes the inputs that the tests name: make.sh FOLDER. Each is below 300 kB and all are made in seconds.
# Needs python3 (its standard library) and FFmpeg 5.1 or later: $FFMPEG, else the one on PATH, else imageio_ffmpeg's
# (PYTHON names the interpreter that has it).
set -euo pipefail
out=${1:?make.sh FOLDER}; python=${PYTHON:-python3}
F=${FFMPEG:-$(command -v ffmpeg || "$python" -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')}
mkdir -p "$out"; cd "$out"
ff() { "$F" -nostdin -v error -y "$@"; }
X="-c:v libx264 -preset veryfast -pix_fmt yuv420p"
lav() { ff -f lavfi -i "$1" -f lavfi -i "$2" "${@:3}"; }
BEEP="0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)"; FLASH="drawbox=c=white:t=fill:enable='lt(mod(t,1),0.1)'"
drop() { echo "noise=amount=0:drop='$1'"; }  # packets out of a stream; packet n of AAC begins at n*1024/48000 s

# --- plain material: a grey film, one with a flash and a beep each second, sounds, a round mark
lav "color=gray:s=320x240:r=25:d=4" "sine=440:d=4" $X -c:a aac plain.mp4
lav "color=black:s=320x240:r=25:d=6,$FLASH" "aevalsrc='$BEEP':s=48000:d=6" $X -c:a aac sync.mp4
lav "testsrc2=s=320x240:r=25:d=4" "sine=440:d=4" $X -c:a aac clip.mp4
ff -f lavfi -i "sine=880:d=2" -c:a pcm_s16le beside.wav

# --- turned pictures: red above, blue below, as shown
lav "color=red:s=320x180:r=25:d=2,drawbox=y=ih/2:c=blue:t=fill" "sine=440:d=2" $X -c:a aac land.mp4
ff -i land.mp4 -vf hflip,vflip $X -c:a copy down.mp4
ff -f lavfi -i "color=red:s=150x300,drawbox=x=iw/2:c=blue:t=fill" -frames:v 1 -q:v 2 -pix_fmt yuvj420p -update 1 side.jpg
"$python" - <<'P'
import struct
film = bytearray(open("down.mp4", "rb").read())  # a display matrix of 180 degrees in the picture's track header
at = film.index(b"tkhd") + 44
film[at : at + 36] = struct.pack(">9i", -65536, 0, 0, 0, -65536, 0, 320 << 16, 180 << 16, 1 << 30)
open("rot180.mp4", "wb").write(film)
photo = open("side.jpg", "rb").read()  # EXIF orientation 6: shown turned by 90 degrees to the right
tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
exif = b"Exif\0\0" + tiff
open("exif6.jpg", "wb").write(photo[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + photo[2:])
import zlib  # a white disc on nothing, 200x200
rows = b"".join(b"\0" + b"".join(b"\xff\xff\xff" + bytes([255 * ((x - 100) ** 2 + (y - 100) ** 2 < 9000)]) for x in range(200)) for y in range(200))
part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open("disc.png", "wb").write(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", 200, 200, 8, 6, 0, 0, 0)) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))
P
rm -f side.jpg down.mp4

# --- more than one sound
ff -i plain.mp4 -f lavfi -i "sine=880:d=4" -map 0:v -map 0:a -map 1:a -c:v copy -c:a aac two.mov
"$python" - <<'P'
film = bytearray(open("two.mov", "rb").read())  # the second sound in a coding that nobody can read
at = [i for i in range(len(film)) if film[i : i + 4] == b"stsd"][2]
film[at + 16 : at + 20] = b"apac"
at = film.index(b"wave", at)
film[at : at + 4] = b"skip"
open("apac.mov", "wb").write(film)
P
rm -f two.mov
ff -i plain.mp4 -f lavfi -i "sine=880:d=3:r=48000,volume=-30dB" -map 0:v -map 0:a -map 1:a -c:v copy -c:a:0 copy -c:a:1 truehd -strict -2 truehd.mkv

# --- lengths: none told, sound longer, picture longer, subtitles longer, a late start, a single frame
lav "testsrc2=s=320x240:r=25:d=4" "sine=440:d=4" -c:v libvpx -deadline realtime -cpu-used 8 -b:v 300k -c:a libopus -f webm -live 1 live.webm
lav "testsrc2=s=320x240:r=25:d=2" "sine=440:d=8" $X -c:a aac v2a8.mp4
lav "color=gray:s=320x240:r=25:d=8" "sine=440:d=2" $X -c:a aac v8a2.mp4
printf '1\n00:00:00,500 --> 00:00:01,500\nHello\n\n2\n00:00:50,000 --> 00:01:00,000\nGoodbye\n' > long.srt
ff -i plain.mp4 -i long.srt -map 0 -map 1 -c copy -c:s srt longsub.mkv; rm -f long.srt
ff -i sync.mp4 -c copy -output_ts_offset 10 from10.mkv
ff -f lavfi -i "testsrc2=s=320x240:r=25:d=0.04" $X one.mp4

# --- sound with a hole (2.1 to 3.9 s), sound from 1.45 s, a sound without a packet; the picture is that of sync.mp4
ff -i sync.mp4 -c copy -bsf:a "$(drop 'between(n*1024/48000,2.15,3.85)')" gap.mkv
ff -i sync.mp4 -c copy -bsf:a "$(drop 'lt(n*1024/48000,1.45)')" late.mkv; ff -i late.mkv -c copy late.mp4; rm -f late.mkv
ff -i sync.mp4 -c copy -bsf:a "$(drop 1)" nosound.mkv

# --- pixels: odd sides, oblong ones (720x576 shown as 1024x576)
lav "testsrc2=s=640x480:r=25:d=2,format=yuv444p,crop=321:241:0:0:exact=1,format=yuv420p" "sine=440:d=2" -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus odd.webm
lav "color=gray:s=720x576:r=25:d=2,setsar=64/45" "sine=440:d=2" $X -c:a aac oblong.mp4
ff -f lavfi -i "color=gray:s=1024x576:r=25:d=2" $X square.mp4

# --- light, fields, rate, alpha
"$python" - > pq.yuv <<'P'
import struct, sys  # PQ in BT.2020: left white paper (203 nits), middle 1 nit, right the red of BT.709 at 203 nits
def pq(nits):
    y = (max(nits, 0) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
def code(r, g, b):
    r, g, b = pq(r), pq(g), pq(b)
    y = 0.2627 * r + 0.678 * g + 0.0593 * b
    return round(64 + 876 * y), round(512 + 896 * (b - y) / 1.8814), round(512 + 896 * (r - y) / 1.4746)
bars = [code(203, 203, 203), code(1, 1, 1), code(203 * 0.6274, 203 * 0.0691, 203 * 0.0164)]
w, h = 384, 216
def plane(n, width, height): return struct.pack(f"<{width}H", *(bars[x * 3 // width][n] for x in range(width))) * height
sys.stdout.buffer.write(plane(0, w, h) + plane(1, w // 2, h // 2) + plane(2, w // 2, h // 2))
P
ff -f rawvideo -pix_fmt yuv420p10le -s 384x216 -r 25 -stream_loop 49 -i pq.yuv -f lavfi -i "sine=440:d=2" -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le \
  -x265-params "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:max-cll=1000,400" \
  -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -tag:v hvc1 -c:a aac pq.mp4; rm -f pq.yuv
lav "color=black:s=720x576:r=50:d=1,format=gray,geq=lum='if(lt(mod(X-N*12\,240)\,120)\,235\,16)',tinterlace=interleave_top,setfield=tff" "sine=440:d=1" $X -flags +ildct+ilme -c:a aac fields.mp4
lav "testsrc2=s=160x120:r=60:d=2.2,settb=1/600,setpts='if(lt(N,120),N*10,1200+(N-120)*600)'" "sine=440:d=14" -fps_mode vfr -enc_time_base 1/600 $X -crf 30 -c:a aac -b:a 48k vfr.mp4
ff -f lavfi -i "color=red@0.5:s=320x240:r=25:d=2,format=yuva420p" -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuva420p -auto-alt-ref 0 alpha.webm

# --- files that are read by every player: a QuickTime file of old, a still in AVIF, one in BMP
ff -i plain.mp4 -c copy -f mov qt.mov
"$python" - <<'P'
import struct
film = open("qt.mov", "rb").read()  # without the file type that newer ones begin with
size = struct.unpack(">I", film[:4])[0]
open("old.mov", "wb").write(film[:4] + b"skip" + bytes(size - 8) + film[size:])
P
rm -f qt.mov
ff -f lavfi -i "color=red:s=300x150" -frames:v 1 -c:v libaom-av1 -cpu-used 8 -still-picture 1 red.avif || ff -f lavfi -i "color=red:s=300x150" -frames:v 1 -c:v libsvtav1 -f avif red.avif
ff -f lavfi -i "color=red:s=160x80" -frames:v 1 -update 1 red.bmp

# --- loud: a film and a sound at full scale
lav "color=gray:s=320x240:r=25:d=3" "aevalsrc='0.95*sin(2*PI*220*t)':s=48000:d=3" $X -c:a aac loud.mp4
ff -f lavfi -i "aevalsrc='0.95*sin(2*PI*330*t)':s=24000:d=3" -c:a pcm_s16le loud.wav

# --- subtitles
sub() { cat > "$1"; }
sub en.srt <<'S'
1
00:00:00,200 --> 00:00:01,900
Good morning

2
00:00:02,000 --> 00:00:03,800
Good night
S
sub th.srt <<'S'
1
00:00:00,200 --> 00:00:01,900
สวัสดี

2
00:00:02,000 --> 00:00:03,800
ราตรีสวัสดิ์
S
ff -i plain.mp4 -f lavfi -i "sine=880:d=4" -i en.srt -map 0 -map 1 -map 2 -c:v copy -c:a aac -c:s srt -metadata:s:a:0 language=eng -metadata:s:a:1 language=jpn -metadata:s:s:0 language=eng tracks.mkv
printf 'WEBVTT\nKind: captions\nLanguage: en\n\n00:00:00.200 --> 00:00:01.900 align:start position:0%%\n \nthe<00:00:00.600><c> kettle</c><00:00:01.000><c> sings</c>\n\n00:00:01.900 --> 00:00:01.910 align:start position:0%%\nthe kettle sings\n \n\n00:00:01.910 --> 00:00:03.700 align:start position:0%%\nthe kettle sings\nand<00:00:02.400><c> falls</c><00:00:02.900><c> silent</c>\n\n00:00:03.700 --> 00:00:03.710 align:start position:0%%\nand falls silent\n \n' > rolling.vtt
printf '1\n00:00:00,200 --> 00:00:01,900\n\nAfter a gap\n\n2\n00:00:02,000 --> 00:00:03,800\nUpper part\n\nlower part\n' > blank.srt
printf '1\n00:00:00,200 --> 00:00:01,900\nGood morning\n2\n00:00:02,000 --> 00:00:03,800\nGood night\n' > tight.srt
printf '1\n00:00:00 --> 00:00:02\nGood morning\n\n2\n00:00:02 --> 00:00:04\nGood night\n' > whole.srt
printf '1\n00:00:02,000 --> 00:00:03,800\nGood night\n\n2\n00:00:01,000 --> 00:00:01,000\nnever seen\n\n3\n00:00:00,200 --> 00:00:01,900\nGood morning\n' > order.srt
printf '1\n00:00:00,200 --> 00:00:01,900\nTurn left --> right\n\n2\n00:00:02,000 --> 00:00:03,800\nGood night\n' > arrow.srt
printf '1\n00:00:00,200 --> 00:00:01,900\n♪ la la la ♪\n\n2\n00:00:02,000 --> 00:00:03,800\nGood night\n' > song.srt
printf '1\n00:00:00,200 --> 00:00:01,900\n{\\an8}<i>Up there</i> it&#39;s <font color="#ff0000">red</font>\n\n2\n00:00:02,000 --> 00:00:03,800\nGood night\n' > top.srt
