import json
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from mcss.results.__main__ import main
from mcss.results.page import worst_of_clips
from mcss.visualization.poses import LEFT, RIGHT

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
HEADLESS = [
    *("--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--hide-scrollbars", "--window-size=1200,3000"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--virtual-time-budget=20000"),
]
IN_BROWSER = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: the page was not opened in a browser"
)
LISTEN = "<script>window.problems = []; window.onerror = message => { window.problems.push(message); };</script>"
TURN = """<script>
window.addEventListener("load", async () => {
  const plots = [...document.querySelectorAll(".plotly-graph-div")];
  const eye = plot => ({...plot._fullLayout.scene._scene.getCamera().eye});
  const before = eye(plots[0]);
  await Plotly.relayout(plots[0], {"scene.camera.eye": {x: -1.5, y: 0.5, z: 0.5}});
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.hidden = true;
  seen.textContent = JSON.stringify({
    problems: window.problems, before: before, after: eye(plots[0]), plots: plots.length,
    drawn: plots.filter(plot => plot.querySelector("canvas").width > 0).length,
    pictures: [...document.images].map(image => image.naturalWidth),
  });
  document.body.append(seen);
});
</script>"""


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    """The trained run with its page, of two chosen images and one failure: scenes take a CPU seconds each."""
    path = tmp_path_factory.mktemp("page") / "run"
    shutil.copytree(trained, path)
    table = tmp_path_factory.mktemp("table") / "runs.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mcss.run.figures.SHOWN_QUANTILES", (0.05, 0.95))
        patch.setattr("mcss.results.page.FAILURES", 1)
        main([str(path), "--table", str(table)])
    return path


def test_the_page_says_what_was_run_on_which_data_and_how_good_it_is(folder):
    page, record = (folder / "report.html").read_text(), json.loads((folder / "results.json").read_text())
    text = page[page.index("</style>") :]
    for result in record["results"]:
        if result["average"] == "micro":
            assert f"<b>{result['value']:.1f}</b>" in text
            assert result["definition"].replace("<", "&lt;").replace(">", "&gt;") in text
    for fact in ("settings_hash", "checkpoint_hash", "data_hash"):
        assert record[fact] in text
    assert f"{record['by_subject']['S9']['n_mpjpe_mm']:.1f}" in text[text.index('id="by_subject"') :]
    (cells,) = re.findall(r"<td>same_instant_hit1</td><td[^>]*><b>(.*?)</b></td>\n<td[^>]*>(.*?)</td>", text)
    agreement = record["view_agreement"]
    assert cells == tuple(f"{agreement[who]['same_instant_hit1']:.3g}" for who in ("network", "untrained"))
    assert "PARTIAL" not in text
    assert "subject  split" in text  # the data card
    assert "model.objective.init_args.margin" in text
    assert "the query&#39;s own subject" in text


def test_nothing_on_the_page_is_fetched(folder):
    page = (folder / "report.html").read_text()
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page[page.index("</style>") :])
    assert len(tags) > 6
    assert not [tag for tag in tags if re.search(r"(?:src|href)=[\"'](?!data:)", tag)]
    assert "<script src" not in page


@IN_BROWSER
def test_a_browser_draws_every_figure_turns_a_skeleton_and_reports_no_error(folder, tmp_path):
    """In the screenshot: skeletons in the colours of left and right, and no margin cut off by what is too wide."""
    page = (folder / "report.html").read_text()
    watched = tmp_path / "watched.html"
    watched.write_text(page.replace("<head>", f"<head>{LISTEN}", 1).replace("</body>", f"{TURN}</body>"))
    options = [f"--user-data-dir={tmp_path}", "--dump-dom", f"--screenshot={tmp_path}/page.png"]
    command = [CHROMIUM, *HEADLESS, *options, watched.as_uri()]
    document = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    seen = json.loads(re.search(r'<pre id="seen" hidden="">(.*?)</pre>', document)[1])
    assert seen["problems"] == []
    assert seen["plots"] == seen["drawn"] == 3
    assert len(seen["pictures"]) == 3 + 3  # beside each skeleton; two figures of curves, the only subject's gallery
    assert min(seen["pictures"]) >= 48
    assert seen["before"]["y"] < 0 < seen["after"]["y"]

    picture = cv2.cvtColor(cv2.imread(str(tmp_path / "page.png")), cv2.COLOR_BGR2RGB).astype(int)
    assert picture.shape == (3000, 1200, 3)
    for colour in (LEFT, RIGHT):
        rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(picture - rgb).max(axis=2) < 40).sum() > 500, colour
    assert (picture[:, [0, -1]] == picture[0, 0]).all()


def test_failures_come_from_different_clips(monkeypatch):
    monkeypatch.setattr("mcss.results.page.FAILURES", 3)
    clip = np.array([4, 4, 4, 5, 5, 6, 7])
    error_mm = np.array([90.0, 99.0, 98.0, 10.0, 50.0, 70.0, 60.0])
    assert worst_of_clips(clip, error_mm).tolist() == [1, 5, 6]


def test_a_partial_test_is_marked_on_its_page(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    path = tmp_path / "run/results.json"
    part = {"partial": True, "test_images": 32, "test_limits": {"limit_test_batches": 2}}
    path.write_text(json.dumps(json.loads(path.read_text()) | part))
    main([str(tmp_path / "run"), "--table", str(tmp_path / "runs.csv")])
    assert "PARTIAL TEST: 32 of 144 test images" in (tmp_path / "run/report.html").read_text()
