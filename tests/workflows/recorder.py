"""A recorder in place of GitHub's API."""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Recorder:
    """GitHub's API: remembers each request, and keeps issues and pull requests."""

    requests: list[tuple[str, str, dict]] = field(default_factory=list)
    posts: list[dict] = field(default_factory=list)

    def answer(self, method: str, path: str, payload: dict) -> object:
        route = path.partition("?")[0]
        self.requests.append((method, route, payload))
        kind = "pulls" if "/pulls" in route else "issues"
        if method == "GET":
            return [post for post in self.posts if post["kind"] == kind and post["state"] == "open"]
        if found := re.search(rf"/{kind}/(\d+)$", route):
            self.posts[int(found[1]) - 1].update(payload)
            return self.posts[int(found[1]) - 1]
        if route.endswith("/comments"):
            number = int(route.split("/")[-2])
            self.posts[number - 1]["comments"].append(payload["body"])
            return {}
        post = {"kind": kind, "state": "open", "number": len(self.posts) + 1, "comments": [], **payload}
        self.posts.append(post)
        return post

    @property
    def issues(self) -> list[dict]:
        return [post for post in self.posts if post["kind"] == "issues"]

    @property
    def pulls(self) -> list[dict]:
        return [post for post in self.posts if post["kind"] == "pulls"]

    def serve(self) -> ThreadingHTTPServer:
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                payload = json.loads(self.rfile.read(length)) if length else {}
                assert self.headers["Authorization"] == "Bearer a-token"
                body = json.dumps(recorder.answer(self.command, self.path, payload)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = respond  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
