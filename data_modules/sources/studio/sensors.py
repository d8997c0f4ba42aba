"""What each camera makes of the light: exposure, white balance, defocus, noise, gamma and the quality of its JPEG."""

from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg
from jaxtyping import Float, Float32, UInt8

from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream

STOPS = 0.3
"""Standard deviation of the exposure."""
WHITE_BALANCE = 0.03
"""Standard deviation of the gain of each channel."""
GAMMA = (0.8, 1.25)
NOISE = (0.004, 0.03)
"""Standard deviation of a pixel of an image as it is stored, of the range from black to white."""
DEFOCUS_SHARE = 0.0012
"""Mean width of the blur, as a share of the frame's side."""
JPEG_QUALITY = (60, 96)


@dataclass(frozen=True, eq=False)
class Sensor:
    """A camera behind its lens.

    Attributes:
        gains: of each channel, exposure and white balance together.
        gamma: exponent on values in [0, 1].
        noise: standard deviation of a stored pixel.
        defocus_share: width (standard deviation) of the blur, as a share of the frame's side.
        jpeg_quality: of the images that are stored.
    """

    gains: Float[np.ndarray, " 3"]
    gamma: float
    noise: float
    defocus_share: float
    jpeg_quality: int

    def record(
        self, light: Float32[np.ndarray, "rows columns 3"], blur_px: float, rng: np.random.Generator
    ) -> UInt8[np.ndarray, "rows columns 3"]:
        """Image of the light that arrives, RGB; ``rng`` is the noise's alone."""
        if blur_px > 0.15:
            light = cv2.GaussianBlur(light, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE)
        image = light * self.gains.astype(np.float32)
        image += np.float32(self.noise) * rng.standard_normal(image.shape, dtype=np.float32)
        np.clip(image, 0, 1, out=image)
        np.power(image, np.float32(self.gamma), out=image)
        return (255 * image + 0.5).astype(np.uint8)


def studio_sensors(config: StudioConfig) -> dict[str, Sensor]:
    """Draw the sensors of the configuration's cameras; the n-th one is the same whatever their number."""
    return {name: _draw_sensor(config.seed, number) for number, name in enumerate(config.cameras)}


def _draw_sensor(seed: int, number: int) -> Sensor:
    rng = stream(seed, "sensor", number)
    gains = 2 ** rng.normal(0, STOPS) * (1 + rng.normal(0, WHITE_BALANCE, 3))
    return Sensor(
        gains=gains,
        gamma=float(rng.uniform(*GAMMA)),
        noise=float(rng.uniform(*NOISE)),
        defocus_share=float(rng.exponential(DEFOCUS_SHARE)),
        jpeg_quality=int(rng.integers(*JPEG_QUALITY)),
    )


def encode(image: UInt8[np.ndarray, "rows columns 3"], quality: int) -> bytes:
    """JPEG with full colour resolution: at crop sizes a limb is a few pixels wide."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=quality, colorspace="RGB", colorsubsampling="444"
    )
