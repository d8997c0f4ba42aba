"""A folder of videos with sound as a lab would film them: the studio's people seen by unsynchronised phones.

Every camera starts at another moment and has its own frame rate; its clock drifts. What is true lies in the folder
``truth``: offsets and drifts as mcss-data sync writes them, and each clip's poses and cameras.
"""

import csv
import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float64, UInt8

from data_modules.sources.studio.backdrop import Backdrop
from data_modules.sources.studio.body import Posture
from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.sound import SOUND_HZ, heard, scene_sound
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS, PELVIS

MOTION_HZ = 100
"""The pose of a frame is the nearest of so many a second."""
RATES = (Fraction(30), Fraction(25), Fraction(30000, 1001), Fraction(24))
LATEST_START_S, MOST_DRIFT_PPM = 2.0, 50.0
CLAP_S = LATEST_START_S + 0.7
SPEED_OF_SOUND_MM_S = 343_000.0
BYSTANDER_AWAY_MM = np.array([1900.0, -1500.0, 0.0])
TRUTH = "truth"

Actor = tuple[str, Posture]
"""Subject and postures."""


@dataclass(frozen=True)
class Phone:
    """A camera whose clock starts ``start_s`` into the scene and runs too fast by ``drift_ppm``."""

    camera: Camera
    fps: Fraction
    start_s: float
    drift_ppm: float

    def scene_time_s(self, own_s: Float64[np.ndarray, " times"]) -> Float64[np.ndarray, " times"]:
        """Times in the scene at which the phone's clock shows ``own_s``."""
        return self.start_s + own_s / (1 + 1e-6 * self.drift_ppm)


@dataclass(frozen=True)
class Shoot:
    """How clips are filmed."""

    size_px: tuple[int, int] = (640, 360)
    duration_s: float = 8.0
    sound: bool = True
    bystander: bool = False
    """Whether somebody else is in the room."""


def film_views(config: StudioConfig, clips: list[tuple[str, str, int]], folder: Path, shoot: Shoot) -> None:
    """Film ``clips`` by every camera of the studio into ``folder``/<subject>/<action>-<subaction>/<camera>.mp4.

    Raises:
        ValueError: the configuration has no such clip.
    """
    if unknown := [clip for clip in clips if clip not in config.clips]:
        raise ValueError(f"{config.name} has no clip {' '.join(map(str, unknown[0]))}")
    subjects = sorted({clip[0] for clip in clips})
    other = next(subject for subject in config.subjects[::-1] if [subject] != subjects)
    instants = int(MOTION_HZ * (LATEST_START_S + shoot.duration_s)) + 1
    studio = Studio(replace(config, fps=float(MOTION_HZ), frame_step=1, instants=instants), {*subjects, other})
    (folder / TRUTH).mkdir(parents=True, exist_ok=True)
    offsets: list[tuple[str, float, float]] = []
    for number, (subject, action, subaction) in enumerate(clips):
        name, rng = f"{subject}/{action}-{subaction}", np.random.default_rng([config.seed, number])
        phones = _phones(studio, shoot, rng)
        actors: list[Actor] = [(subject, studio.perform(subject, action, subaction))]
        if shoot.bystander:
            posture = studio.perform(other, config.actions[0], 1)
            moved = Posture(posture.joints_mm + BYSTANDER_AWAY_MM, posture.vertices_mm + BYSTANDER_AWAY_MM)
            actors.append((other, moved))
        sound = scene_sound(rng, LATEST_START_S + shoot.duration_s, CLAP_S) if shoot.sound else None
        for camera, phone in phones.items():
            own_sound = None if sound is None else _recorded(sound, phone, shoot.duration_s, rng)
            _film(folder / name / f"{camera}.mp4", studio, phone, actors, shoot.duration_s, own_sound)
        offsets += _offsets(name, phones)
        _save_truth(folder / TRUTH / name.replace("/", "_"), phones, actors[0][1])
    _write_table(folder / TRUTH / "sync.csv", ("video", "offset_s", "drift_ppm"), offsets)
    heights = [(subject, round(studio.bodies[subject].height_mm)) for subject in subjects]
    _write_table(folder / "people.csv", ("subject", "height_mm"), heights)


def _phones(studio: Studio, shoot: Shoot, rng: np.random.Generator) -> dict[str, Phone]:
    return {
        name: Phone(
            studio.framed(name, shoot.size_px),
            RATES[index % len(RATES)],
            rng.uniform(0, LATEST_START_S),
            rng.uniform(-MOST_DRIFT_PPM, MOST_DRIFT_PPM),
        )
        for index, name in enumerate(studio.cameras)
    }


def _recorded(
    sound: Float64[np.ndarray, " samples"], phone: Phone, duration_s: float, rng: np.random.Generator
) -> Float64[np.ndarray, " recorded"]:
    """Sound from the middle of the room as it arrives at the phone."""
    own_s = np.arange(int(duration_s * SOUND_HZ)) / SOUND_HZ
    late_s = float(np.linalg.norm(phone.camera.center_world_mm)) / SPEED_OF_SOUND_MM_S
    return heard(sound, phone.scene_time_s(own_s) - late_s, rng)


def _film(
    path: Path,
    studio: Studio,
    phone: Phone,
    actors: list[Actor],
    duration_s: float,
    sound: Float64[np.ndarray, " samples"] | None,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    backdrop = studio.backdrop(phone.camera)
    own_s = np.arange(int(duration_s * phone.fps)) / float(phone.fps)
    instants = np.rint(phone.scene_time_s(own_s) * MOTION_HZ).astype(int)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=phone.fps)
        video.width, video.height = phone.camera.size_px
        video.pix_fmt = "yuv420p"
        if sound is not None:
            audio = container.add_stream("aac", rate=SOUND_HZ, layout="mono")
            samples = av.AudioFrame.from_ndarray(sound.astype(np.float32)[None], format="fltp", layout="mono")
            samples.sample_rate, samples.pts = SOUND_HZ, 0
            container.mux([*audio.encode(samples), *audio.encode(None)])
        for instant in instants.tolist():
            image = _image(studio, path.stem, backdrop, actors, instant)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode(None))


def _image(
    studio: Studio, camera: str, backdrop: Backdrop, actors: list[Actor], instant: int
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Frame of a camera; of several people the nearer ones in front."""
    eye_mm = backdrop.camera.center_world_mm

    def distance_mm(actor: Actor) -> float:
        return float(np.linalg.norm(actor[1].joints_mm[instant, PELVIS] - eye_mm))

    the_chair = studio.chairs[actors[0][0]]
    scenes = [
        studio.scene(subject, posture, instant, the_chair)
        for subject, posture in sorted(actors, key=distance_mm, reverse=True)
    ]
    return studio.frame(camera, backdrop, scenes, studio.noise(camera, actors[0][0], instant))


def _offsets(name: str, phones: dict[str, Phone]) -> list[tuple[str, float, float]]:
    """Video, offset and drift of each phone where the first one's clock is the shared clock.

    With own = (scene - start) * rate for both, own = offset + shared * (1 + drift).
    """
    first = next(iter(phones.values()))
    rows = []
    for camera, phone in phones.items():
        rate, first_rate = (1 + 1e-6 * p.drift_ppm for p in (phone, first))
        rows.append((f"{name}/{camera}", (first.start_s - phone.start_s) * rate, 1e6 * (rate / first_rate - 1)))
    return rows


def _save_truth(path: Path, phones: dict[str, Phone], posture: Posture) -> None:
    """Poses as a lab's own poses.npz has them, on the first camera's clock, and the cameras."""
    first = next(iter(phones.values()))
    scene_s = np.arange(len(posture.joints_mm)) / MOTION_HZ
    time_s = (scene_s - first.start_s) * (1 + 1e-6 * first.drift_ppm)
    poses = posture.joints_mm
    np.savez(path.with_suffix(".npz"), points=poses, joints=np.array(JOINTS), unit="mm", up="z", time_s=time_s)
    cameras = {name: phone.camera.to_dict() for name, phone in phones.items()}
    path.with_suffix(".json").write_text(json.dumps(cameras, indent=2) + "\n")


def _write_table(path: Path, columns: tuple[str, ...], rows: list) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
