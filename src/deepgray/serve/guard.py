"""Who may speak to the page, and how much: everything else is refused before it is read."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepgray.errors import SettingsError

# An outline of the largest window, one byte a voxel, with room.
MOST_BYTES = 32 * 1024 * 1024
SHORTEST_TOKEN = 16
COOKIE = "deepgray_token"
# The page itself sends it; a form on another site cannot.
PAGE_HEADER = "x-deepgray"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self' blob:; font-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether an address reaches nobody but this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Rules:
    """Who may speak to the page.

    Attributes:
        host: Address that the page listens on.
        token: What everybody must know; empty where nobody needs to.

    Raises:
        SettingsError: Other machines reach the address, and there is no token, or a short one.
    """

    host: str
    token: str = ""

    def __post_init__(self) -> None:
        if not self.token and not is_loopback(self.host):
            raise SettingsError(
                f"A token is wanted for {self.host}, which other machines reach: --token with "
                f"at least {SHORTEST_TOKEN} letters. The page shows people's scans."
            )
        if self.token and len(self.token) < SHORTEST_TOKEN:
            raise SettingsError(f"A token of at least {SHORTEST_TOKEN} letters is wanted, {len(self.token)} came.")


class Guard:
    """Stands before the page: checks host, token, origin and size, and sets the headers of every answer."""

    def __init__(self, app: ASGIApp, *, rules: Rules) -> None:
        """Stand before an application."""
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in known),
                ]
            await send(message)

        connection = HTTPConnection(scope)
        refused = self._refused(connection, scope["method"]) or self._signed_in(connection, scope["path"])
        if refused is not None:
            await refused(scope, receive, send_with_headers)
            return
        await self._app(scope, _bounded(receive), send_with_headers)

    def _refused(self, connection: HTTPConnection, method: str) -> Response | None:
        """Why a request is refused, None where it is not."""
        host = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
        if is_loopback(self._rules.host) and not is_loopback(host):
            return refusal(403, f"A page of this machine is wanted, '{host}' was asked for.")  # another name for it
        if method != "GET":
            origin = connection.headers.get("origin")
            if PAGE_HEADER not in connection.headers or (
                origin and urlsplit(origin).netloc != connection.headers["host"]
            ):
                return refusal(403, "A request of deepgray's own page is wanted, one of another page came.")
            length = connection.headers.get("content-length", "")
            if not length.isdigit():
                return refusal(411, "A request that says its length is wanted.")
            if int(length) > MOST_BYTES:
                return refusal(413, f"At most {MOST_BYTES} bytes are wanted, {int(length)} are announced.")
        return None

    def _signed_in(self, connection: HTTPConnection, path: str) -> Response | None:
        """Refuse who does not know the token; who brings it in the address gets a cookie and an address without it."""
        token = self._rules.token
        if not token:
            return None
        brought = parse_qs(connection.url.query).get("token", [])
        if _knows(token, brought) and path == "/":
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
            return answer
        cookie = SimpleCookie(connection.headers.get("cookie", "")).get(COOKIE)
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        shown = [cookie.value] if cookie else []
        if _knows(token, [*shown, *([bearer] if scheme.lower() == "bearer" else [])]):
            return None
        return refusal(401, "The token is wanted that 'deepgray review' printed; open the address with it.")


def refusal(status: int, sentence: str) -> Response:
    """A refusal with its reason."""
    return JSONResponse({"error": sentence}, status_code=status)


def _knows(token: str, shown: Iterable[str]) -> bool:
    return any(hmac.compare_digest(token.encode(), s.encode()) for s in shown)


def _bounded(receive: Receive) -> Receive:
    """Stop a request that sends more than it announced."""
    came = 0

    async def bounded() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > MOST_BYTES:
            return {"type": "http.disconnect"}
        return message

    return bounded
