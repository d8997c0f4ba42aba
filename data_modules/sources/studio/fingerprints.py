"""What a clip is made of, and nothing else: it changes with whatever changes the clip's images or labels."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_modules.sources.studio.backgrounds import backgrounds_hash
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.config import RECIPE, StudioConfig
from data_modules.sources.studio.mocap.play import motion_files
from data_modules.sources.studio.poses import GAIT, KEY_POSES, SCRIPTS
from mcss.hashing import file_hash


def clip_fingerprint(config: StudioConfig, clip: tuple[str, str, int]) -> str:
    """SHA-256 of all that a clip follows from: the settings of all clips, who is seen, and what that person does.

    A garment that the person does not wear and an action or key pose that the clip does not play are no part of it.

    Raises:
        InputError: the pictures of ``config.backgrounds`` cannot be read.
    """
    subject, action, subaction = clip
    settings = settings_of_all_clips(config) | {"instants": config.instants_of(subject)}
    settings["sync_error_ms"] = config.sync_error_of(subject)
    motion = file_hash(motion_files(Path(config.motion))[action]) if config.motion else script_facts(action)
    facts = {
        "recipe": RECIPE,
        "settings": settings,
        "clip": [subject, action, subaction],
        "person": _person(config, subject),
        "motion": motion,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def settings_of_all_clips(config: StudioConfig) -> dict[str, Any]:
    """Settings that all clips follow from, pictures by their content.

    Raises:
        InputError: the pictures of ``config.backgrounds`` cannot be read.
    """
    return config.of_all_clips() | {"backgrounds": _pictures(config.backgrounds), "motion": bool(config.motion)}


def script_facts(action: str) -> dict[str, Any]:
    """An action's script and the key poses that it plays."""
    script = SCRIPTS[action]
    names = {*script.weights, *(["crouch", "land"] if "jump" in script.weights else [])}
    if script.walks:
        names |= {"stand", *(f"{script.walks}_{phase}" for phase in GAIT)}
    return {"script": script, "poses": {name: KEY_POSES[name] for name in sorted(names)}}


@lru_cache(maxsize=64)
def _person(config: StudioConfig, subject: str) -> str:
    """Everything that was drawn of a person, in words."""
    return repr(draw_person(config, subject))


@lru_cache(maxsize=4)
def _pictures(backgrounds: str) -> str:
    return backgrounds_hash(Path(backgrounds)) if backgrounds else ""
