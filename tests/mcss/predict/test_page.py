"""The page in a real browser without a network, and the overlay video."""

import html
import json
import re
import shutil
import subprocess
import sys

import av
import numpy as np
import pytest

from mcss.__main__ import main
from mcss.predict.video import PANEL_PX

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WATCH = "<script>window.errors = []; window.onerror = (message) => { errors.push(message); };</script>"
USE = """<script>
const before = [find("body").toDataURL(), find("time").value];
find("play").click();
setTimeout(() => {
  const after = [find("body").toDataURL(), find("time").value];
  show(28);
  const gap = pictures[1].caption.textContent;
  const pixels = find("joints").getContext("2d").getImageData(0, 0, 560, 230).data;
  let band = 0;  // green, and see-through
  for (let i = 0; i < pixels.length; i += 4) band += pixels[i + 1] > pixels[i] && pixels[i + 3] < 128;
  document.body.innerHTML = "";
  document.body.dataset.found = JSON.stringify({ errors, turned: before[0] !== after[0], time: after[1], gap, band });
}, 3000);
</script>"""


@pytest.fixture(scope="module")
def predicted(checkpoint, clip, tmp_path_factory):
    out = tmp_path_factory.mktemp("predicted")
    words = ["predict", "--ckpt_path", str(checkpoint), str(clip), "--out", str(out), "--files", "page", "video"]
    main([*words, "--quiet"])
    return out


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_page_plays_and_turns_without_a_script_error_or_a_network(predicted, tmp_path):
    page = (predicted / "motion.html").read_text()
    assert not re.search(r"""(src|href)=["']?(http|//)|url\(|import """, page)
    copy = tmp_path / "page.html"
    copy.write_text(page.replace("<head>", f"<head>{WATCH}").replace("</body>", f"{USE}</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=6000", "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    run = subprocess.run([CHROMIUM, *options, profile, copy.as_uri()], capture_output=True, text=True, timeout=120)
    found = json.loads(html.unescape(re.search(r'data-found="([^"]*)"', run.stdout)[1]))
    assert found["errors"] == []
    assert found["turned"]
    assert int(found["time"]) == 29  # the clip of 1.2 s has played to its end
    assert found["gap"] == "b: nobody seen"
    assert found["band"] > 100


def test_the_overlay_video_has_every_frame_and_draws_the_skeleton(predicted):
    with av.open(str(predicted / "motion.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, float(stream.average_rate)) == ("h264", 25)
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 30
    assert frames[0].shape == (PANEL_PX, 4 * PANEL_PX, 3)  # two views, two directions
    front = frames[10][30:, 2 * PANEL_PX : 3 * PANEL_PX].astype(int)
    assert (front[..., 0] - front[..., 2] > 80).sum() > 50  # the right side is red
    assert (front[..., 2] - front[..., 0] > 80).sum() > 50  # the left side is blue
    nobody = frames[28][60:, PANEL_PX : 2 * PANEL_PX]
    assert np.ptp(nobody) < 20


def test_the_recording_for_rerun_is_whole_and_has_pictures_skeleton_and_angles(checkpoint, clip, tmp_path):
    pytest.importorskip("rerun")
    path = tmp_path / "motion.rrd"
    words = ["predict", "--ckpt_path", str(checkpoint), str(clip), "--out", str(tmp_path / "out"), "--files", "npz"]
    main([*words, "--rerun", str(path), "--quiet"])
    command = [sys.executable, "-m", "rerun", "rrd", "print", path]
    shown = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout
    for entity in ("/motion/skeleton", "/views/a", "/views/b", "/angles_deg/knee_flexion_left", "/description"):
        assert entity in shown
