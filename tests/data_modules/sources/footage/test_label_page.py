"""The page of ``mcss-data label`` in a browser and without one."""

import csv
import shutil
import threading
from unittest.mock import Mock

import numpy as np
import pytest
from werkzeug.serving import make_server

from data_modules.sources.footage.labelling.app import HOST, make_app
from data_modules.sources.footage.labelling.proposals import farthest_first
from data_modules.sources.footage.labelling.session import Session
from mcss.skeleton import JOINTS
from tests.references.moving_person import SIZE_PX, moving_person, tripods
from tests.references.video_files import write_video

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
TOKEN, INSTANTS, SHRINK = "a-secret", 8, 4
FPS, SOLVED = 1, 5
"""Frames a second: farther apart than where joints move smoothly; and instants that are solved."""


@pytest.fixture
def views(tmp_path):
    """Two cameras; every frame has a grey of its own, so that all instants differ."""
    for camera in ("a", "b"):
        frames = [
            np.full((SIZE_PX[1] // SHRINK, SIZE_PX[0] // SHRINK, 3), 20 * number, dtype=np.uint8)
            for number in range(INSTANTS)
        ]
        write_video(tmp_path / "S1" / "walk" / f"{camera}.mp4", frames, fps=FPS)
    (tmp_path / "people.csv").write_text("subject,height_mm\nS1,1819\n")
    return tmp_path


def clicks_in(views):
    with (views / "clicks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["video"], int(row["frame"]), row["joint"]): (float(row["x"]), float(row["y"])) for row in rows}


def test_instants_are_proposedfarthest_first():
    features = np.array([[0.0], [1.0], [10.0], [11.0], [5.2]])
    assert farthest_first(features, 3) == [3, 0, 4]


def test_with_a_network_those_instants_come_first_whose_embeddings_differ(views, monkeypatch):
    class Embedder:
        def __init__(self, checkpoint):
            """Any checkpoint."""

        def embed(self, recording, track, pictures):
            """Two cameras that agree but at instant 5; nobody is seen at 7, which would be the farthest."""
            values = {5: 4.0 if recording.camera == "a" else -4.0, 7: np.nan, 2: 1.0}
            return np.array([[values.get(picture, 0.0), 0.0] for picture in pictures])

    monkeypatch.setattr("data_modules.sources.footage.embeddings.Embedder", Embedder)
    boxes = [f"S1/walk/{camera},0,1,1,20,50" for camera in "ab"]
    (views / "boxes.csv").write_text("\n".join(["video,frame,left,top,width,height", *boxes]))
    session = Session(views, 2, views / "x.ckpt")
    assert [round(instant.time_s * FPS) for instant in session.instants] == [5, 2]


def test_where_a_network_finds_nobody_whole_pictures_tell_which_instants_differ(views, monkeypatch):
    monkeypatch.setattr("data_modules.sources.footage.detector_boxes.available_detector", lambda: None)
    monkeypatch.setattr("data_modules.sources.footage.embeddings.Embedder", Mock())
    session = Session(views, 2, views / "x.ckpt")
    assert session.instants == Session(views, 2).instants
    assert "from motion" in session.remarks[0]
    assert "S1/walk: instants are chosen by whole pictures" in session.remarks[1]


def test_clicks_that_are_none_are_refused(views):
    session = Session(views, 1)
    client = make_app(session, TOKEN).test_client()
    ((video, frame), *_) = sorted(session.instants[0].frames.items())
    good = {"video": video, "frame": frame, "joint": "Neck", "x": 3.5, "y": 4}

    def status(**change):
        return client.post(f"/{TOKEN}/click", base_url=f"http://{HOST}:5000", json=good | change).status_code

    assert status() == 200
    wrong = [{"x": "NaN"}, {"x": 1e9}, {"y": -1}, {"y": None}, {"joint": "Tail"}, {"frame": 99}, {"frame": "one"}]
    assert [status(**change) for change in wrong] == [400] * len(wrong)
    assert clicks_in(views) == {(video, frame, "Neck"): (3.5, 4.0)}


def test_who_has_no_token_or_comes_by_another_name_is_refused(views):
    client = make_app(Session(views, 3), TOKEN).test_client()

    def status(path, host=f"{HOST}:5000", **more):
        return client.open(path, base_url=f"http://{host}", **more).status_code

    assert status(f"/{TOKEN}/state") == 200
    assert status(f"/{TOKEN}/state", host="localhost:5000") == 200
    for path in ("/", "/state", "/wrong/state", "/wrong/", f"/{TOKEN}x/state"):
        assert status(path) == 403
    for host in ("evil.example", "evil.example:5000", f"{HOST}.evil.example:5000"):
        assert status(f"/{TOKEN}/state", host=host) == 403
    assert status("/wrong/click", method="POST", json={}) == 403
    assert status(f"/{TOKEN}/click", method="POST", json={"video": "S1/walk/a"}) == 400
    assert status(f"/{TOKEN}/frame/../../people.csv/1.jpg") in (403, 404)
    assert status(f"/{TOKEN}/frame/S1/walk/a/99.jpg") == 404


def test_clicks_are_saved_at_once_and_their_instants_come_first_again(views):
    session = Session(views, 3)
    last = session.instants[-1]
    (video, frame), _ = sorted(last.frames.items())
    session.set_click(video, frame, "Neck", (12.5, 30.25))
    session.set_click(video, frame, "Pelvis", (1.0, 2.0))
    session.set_click(video, frame, "Pelvis", None)
    assert clicks_in(views) == {(video, frame, "Neck"): (12.5, 30.25)}
    again = Session(views, 3)
    assert again.clicks == session.clicks
    assert again.instants[0] == last
    with pytest.raises(KeyError, match="Tail"):
        session.set_click(video, frame, "Tail", (0.0, 0.0))


@pytest.fixture
def served(views):
    """Address of the page, and a function that starts it anew."""
    servers = []

    def serve():
        server = make_server(HOST, 0, make_app(Session(views, INSTANTS), TOKEN), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://{HOST}:{server.port}/{TOKEN}/"

    yield serve
    for server in servers:
        server.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_in_a_browser_an_instant_is_labelled_the_page_reopened_continued_and_solved(views, served):
    from playwright.sync_api import sync_playwright

    poses = moving_person(INSTANTS)[0]
    seen = {f"S1/walk/{name}": camera.project(poses) / SHRINK for name, camera in zip("ab", tripods(2), strict=True)}

    def click_joints(page, joints):
        """Click the next joints in both views of the instant that is shown."""
        instant = page.evaluate("state.instants[now].frames")
        for number, (video, frame) in enumerate(instant):
            canvas = page.locator("canvas").nth(number)
            box = canvas.bounding_box()
            for joint in joints:
                x, y = seen[video][frame, joint] * box["width"] / (SIZE_PX[0] // SHRINK)
                canvas.click(position={"x": float(x), "y": float(y)})

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(served())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_function("views.every(view => view.image.complete && view.canvas.width > 300)")
        click_joints(page, range(3))
        page.keyboard.press("z")  # undo the last
        page.wait_for_function("document.getElementById('count').textContent.startsWith('5 ')")
        assert len(clicks_in(views)) == 5
        page.close()

        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(served())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_function("views.every(view => view.image.complete && view.canvas.width > 300)")
        assert page.evaluate("clicks.size") == 5
        assert page.inner_text("#joint") == JOINTS[3]  # of the first view; the second lacks the one undone
        for (video, frame, joint), place in clicks_in(views).items():
            np.testing.assert_allclose(place, seen[video][frame, JOINTS.index(joint)], atol=1.0)
        click_joints(page, [3])
        page.wait_for_function("document.getElementById('count').textContent.startsWith('7 ')")
        assert sum(joint == JOINTS[3] for _, _, joint in clicks_in(views)) == 1  # the second view was one joint behind
        begun = {frame for _, frame, _ in clicks_in(views)}
        chosen = [*begun, *(frame for frame in range(INSTANTS) if frame not in begun)][:SOLVED]
        # The rest as fast as a program can: the same request that a click makes.
        page.evaluate(
            """places => Promise.all(places.map(([video, frame, joint, x, y]) =>
               call("click", {video, frame, joint: state.joints[joint], x, y})))""",
            [
                [video, frame, joint, *points[frame, joint].tolist()]
                for video, points in seen.items()
                for frame in chosen
                for joint in range(len(JOINTS))
            ],
        )
        page.click("#solve")
        page.wait_for_function("document.getElementById('result').textContent.includes('instants in 2 views')")
        page.screenshot(path=str(views.parent / "label.png"))
        browser.close()
    with np.load(views / "S1" / "walk" / "poses.npz") as found:
        assert found["points"].shape == (SOLVED, 17, 3)
