"""What the page asks for, and the answers."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import PurePosixPath

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deepgray.errors import (
    ConflictError,
    DeepgrayError,
    InputError,
    MaskError,
    NoStudyError,
    OutputError,
    SettingsError,
)
from deepgray.serve.desk import Desk, Verdict
from deepgray.serve.guard import Guard, Rules, refusal
from deepgray.serve.images import drawn_in, indices, labels_of, nifti, thumbnail
from deepgray.serve.study import Study
from deepgray.serve.told import told_numbers, told_study, told_worklist
from deepgray.voxels.refine import refined

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".txt": "text/plain",
    ".svg": "image/svg+xml",
}
_STATIC = files("deepgray.serve").joinpath("static")
Work = Callable[[Request], Response]

# The first kind that an error is one of tells the status of its answer.
_STATUSES: tuple[tuple[type[DeepgrayError], int], ...] = (
    (ConflictError, 409),
    (NoStudyError, 404),
    (MaskError, 422),
    (SettingsError, 422),
    (InputError, 410),
    (OutputError, 507),
    (DeepgrayError, 500),
)


def build(desk: Desk, rules: Rules) -> Starlette:
    """The application.

    Args:
        desk: Where decisions are taken.
        rules: Who may speak to it.
    """
    of_study = "/api/study/{stem}/{task}"
    gets: dict[str, Callable[[Desk, Request], Response]] = {
        "/api/worklist": _worklist,
        of_study: _study,
        of_study + "/numbers": _numbers,
        of_study + "/scan.nii": _scan,
        of_study + "/entropy.nii": _entropy,
        of_study + "/{revision}/labels.nii": _labels,
        of_study + "/{revision}/thumbnail.png": _thumbnail,
    }
    posts: dict[str, Callable[[Desk, Request, bytes], Response]] = {
        of_study + "/refine": _refine,
        of_study + "/decide": _decide,
        of_study + "/consensus": _consensus,
    }
    routes = [
        Route("/", lambda request: _file("index.html")),
        Route("/static/{name}", lambda request: _file(request.path_params["name"])),
        *(Route(path, _getting(desk, work)) for path, work in gets.items()),
        *(Route(path, _posting(desk, work), methods=["POST"]) for path, work in posts.items()),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, rules=rules)])


def _getting(desk: Desk, work: Callable[[Desk, Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await run_in_threadpool(_told, lambda: work(desk, request))

    return answer


def _posting(desk: Desk, work: Callable[[Desk, Request, bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return refusal(413, "A whole request is wanted, it was cut off or too long.")
        return await run_in_threadpool(_told, lambda: work(desk, request, body))

    return answer


def _told(work: Callable[[], Response]) -> Response:
    """An answer, or a refusal with its reason."""
    try:
        return work()
    except DeepgrayError as error:
        return refusal(next(status for kind, status in _STATUSES if isinstance(error, kind)), str(error))


def _file(name: str) -> Response:
    suffix = PurePosixPath(name).suffix
    file = _STATIC.joinpath(name)
    if suffix not in _TYPES or "/" in name or "\\" in name or not file.is_file():
        return refusal(404, f"A file of the page is wanted, there is no '{name}'.")
    headers = {"cache-control": "max-age=31536000, immutable"} if name.startswith("niivue-") else {}
    return Response(file.read_bytes(), media_type=_TYPES[suffix], headers=headers)


def _opened(desk: Desk, request: Request) -> Study:
    return desk.study(request.path_params["stem"], request.path_params["task"])


def _reviewer(request: Request) -> str:
    return request.query_params.get("reviewer", "").strip()


def _worklist(desk: Desk, _: Request) -> Response:
    return JSONResponse(told_worklist(desk))


def _study(desk: Desk, request: Request) -> Response:
    return JSONResponse(told_study(desk, _opened(desk, request), _reviewer(request)))


def _numbers(desk: Desk, request: Request) -> Response:
    return JSONResponse(told_numbers(desk, _opened(desk, request)))


def _scan(desk: Desk, request: Request) -> Response:
    study = _opened(desk, request)
    return _nifti(nifti(study.image, study.window.grid))


def _entropy(desk: Desk, request: Request) -> Response:
    study = _opened(desk, request)
    return _nifti(nifti(study.entropy, study.window.grid))


def _labels(desk: Desk, request: Request) -> Response:
    study = _opened(desk, request)
    labels = study.labels(desk.reviews(study), _reviewer(request))
    drawn = indices(study.window.view(labels), study.proposed.scheme)
    return _nifti(nifti(drawn, study.window.grid))


def _nifti(file: bytes) -> Response:
    return Response(file, media_type="application/octet-stream")


def _thumbnail(desk: Desk, request: Request) -> Response:
    path = request.path_params
    return Response(desk.thumbnail(path["stem"], path["task"], _drawn_small), media_type="image/png")


def _drawn_small(study: Study) -> bytes:
    drawn = indices(study.window.view(study.proposed.voxels), study.proposed.scheme)
    level = study.places[0].index[2] if study.places else int(np.argmax((drawn > 0).sum(axis=(0, 1))))
    return thumbnail(study.image, drawn, study.proposed.scheme, level=level)


def _refine(desk: Desk, request: Request, body: bytes) -> Response:
    """The drawing after one click; nothing is kept."""
    study, asked = _opened(desk, request), request.query_params
    grid, scheme = study.window.grid, study.proposed.scheme
    drawn = drawn_in(body, grid, scheme)
    x, y, z, number = (_whole(asked.get(name, "")) for name in ("x", "y", "z", "label"))
    inside = asked.get("side") != "out"
    if not all(0 <= n < m for n, m in zip((x, y, z), grid.shape, strict=True)):
        raise MaskError(f"A place in the window of {grid.shape} voxels is wanted, {x}, {y}, {z} came.")
    if not 1 <= number <= len(scheme.structures):
        raise MaskError(f"A structure from 1 to {len(scheme.structures)} is wanted, {number} came.")
    before = drawn == number
    after = refined(study.image, before, (x, y, z), inside=inside, spacing_mm=grid.spacing_mm)
    after &= before | (drawn == 0) | (drawn == drawn[x, y, z])  # only the structure that was clicked on gives way
    drawn = np.where(after & ~before, number, np.where(before & ~after, 0, drawn)).astype(np.uint8)
    return _nifti(nifti(drawn, grid))


def _decide(desk: Desk, request: Request, body: bytes) -> Response:
    study, asked = _opened(desk, request), request.query_params
    kind, labels = asked.get("kind", ""), None
    if kind == "corrected":
        scheme = study.proposed.scheme
        drawn = drawn_in(body, study.window.grid, scheme)
        base = study.labels(desk.reviews(study), _reviewer(request))
        labels = study.window.pasted(labels_of(drawn, scheme, base.dtype), base)
    elif body:
        raise MaskError(f"A drawing is wanted with a correction only, one came with '{kind}'.")
    verdict = Verdict(
        kind, _reviewer(request), _whole(asked.get("revision", "")), labels, _seconds(asked.get("seconds"))
    )
    return _decided(desk, study, verdict, request)


def _consensus(desk: Desk, request: Request, body: bytes) -> Response:
    del body
    study = _opened(desk, request)
    verdict = desk.agreed(study, method=request.query_params.get("method", ""))
    if verdict.seen != _whole(request.query_params.get("revision", "")):
        raise ConflictError("A consensus of what the page shows is wanted, somebody decided since. Open it again.")
    return _decided(desk, study, verdict, request)


def _decided(desk: Desk, study: Study, verdict: Verdict, request: Request) -> Response:
    """The study and its numbers after a decision."""
    desk.decide(study, verdict)
    return JSONResponse({**told_study(desk, study, _reviewer(request)), "numbers": told_numbers(desk, study)})


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MaskError(f"A whole number is wanted, '{text[:40]}' came.")
    return int(text)


def _seconds(text: str | None) -> float:
    try:
        seconds = float(text) if text else math.nan
    except ValueError:
        seconds = -1.0
    if seconds < 0 or math.isinf(seconds):
        raise MaskError(f"A number of seconds is wanted, '{str(text)[:40]}' came.")
    return seconds
