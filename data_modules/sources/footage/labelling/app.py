"""The page's server: for this machine alone, and for who knows the address with its token."""

import secrets
from pathlib import Path
from typing import Any

import flask

from data_modules.sources.footage.labelling.figure import FIGURE
from data_modules.sources.footage.labelling.session import Session
from data_modules.sources.footage.solving.clips import joints_of_clips, solve_clips
from mcss.errors import InputError
from mcss.skeleton import BONES, JOINTS

HOST = "127.0.0.1"


class LabelPage:
    """Answers of the server about one session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def page(self) -> str:
        """The page itself."""
        return flask.render_template("label.html")

    def state(self) -> dict[str, Any]:
        """Instants, in the order in which they are worth labelling, and all clicks."""
        instants = [
            {"clip": instant.clip, "time_s": round(instant.time_s, 3), "frames": sorted(instant.frames.items())}
            for instant in self.session.instants
        ]
        clicks = [[*key, *click] for key, click in self.session.clicks.items()]
        figure = [FIGURE[joint] for joint in JOINTS]
        return {"joints": JOINTS, "bones": BONES, "figure": figure, "instants": instants, "clicks": clicks}

    def frame(self, video: str, frame: int) -> flask.Response:
        """Picture to label."""
        try:
            return flask.Response(self.session.jpeg(video, frame), mimetype="image/jpeg")
        except KeyError:
            flask.abort(404)

    def click(self) -> dict[str, int]:
        """Set or remove a click."""
        given = flask.request.get_json()
        try:
            place = None if given["x"] is None else (float(given["x"]), float(given["y"]))
            self.session.set_click(str(given["video"]), int(given["frame"]), str(given["joint"]), place)
        except (KeyError, TypeError, ValueError, OverflowError):
            flask.abort(400)
        return {"saved": len(self.session.clicks)}

    def solve(self) -> dict[str, list[str]]:
        """Solve all clips from the clicks."""
        try:
            joints, _ = joints_of_clips(self.session.views, None, None)
            return {"lines": [outcome.line for outcome in solve_clips(self.session.views, joints, as_one=False)]}
        except InputError as error:
            return {"lines": [str(error)]}


def make_app(session: Session, token: str) -> flask.Flask:
    """Make the server of ``session``, whose page is at /``token``/.

    Requests without the token, or under another host name (as a foreign page's after DNS rebinding), are refused.
    """
    app = flask.Flask(__name__, static_folder=None, template_folder=str(Path(__file__).parent))
    page = LabelPage(session)

    @app.before_request
    def refuse_others() -> None:
        given = (flask.request.view_args or {}).pop("token", "")
        port = flask.request.environ["SERVER_PORT"]
        if flask.request.host not in (f"{HOST}:{port}", f"localhost:{port}"):
            flask.abort(403)
        if not secrets.compare_digest(given.encode(), token.encode()):
            flask.abort(403)

    @app.after_request
    def keep_private(response: flask.Response) -> flask.Response:
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Frame-Options"] = "DENY"
        return response

    app.add_url_rule("/<token>/", view_func=page.page)
    app.add_url_rule("/<token>/state", view_func=page.state)
    app.add_url_rule("/<token>/frame/<path:video>/<int:frame>.jpg", view_func=page.frame)
    app.add_url_rule("/<token>/click", view_func=page.click, methods=["POST"])
    app.add_url_rule("/<token>/solve", view_func=page.solve, methods=["POST"])
    return app
