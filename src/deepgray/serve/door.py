"""``deepgray review``: the page, a mask that was edited elsewhere, and how well reviewers agree."""

from __future__ import annotations

import secrets
import socket
import sys
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from cyclopts import Parameter

from deepgray.errors import MaskError, MissingExtraError, OutputError, SettingsError
from deepgray.read import read_mask, stem_of
from deepgray.review import corrected
from deepgray.serve.agreement import agreement
from deepgray.serve.desk import Desk, Verdict
from deepgray.serve.study import Study
from deepgray.worklist import Entry, Worklist, now

_HEADER = ("task", "structure", "reviewer", "other", "studies", "dice", "icc(2,1)", "lower", "upper")


@Parameter(name="*")
@dataclass(frozen=True)
class ReviewSettings:
    """What ``deepgray review`` does.

    Attributes:
        output: Folder that 'deepgray run' wrote.
        host: Address to listen on; one that other machines reach needs a token.
        port: Port to listen on; 0 takes a free one.
        token: What every visitor must know, at least 16 letters; 'new' makes one.
        file: A mask that was edited elsewhere; it is taken as a correction, and no page is opened.
        reviewer: Who edited it.
        study: Name of the scan that the mask belongs to; found by the mask's name where this is not given.
        task: Task that the mask belongs to, where the study has several.
        consensus: Merge what several reviewers drew of the study: staple or majority.
        agreement: Print how well the reviewers agree, and open no page.
    """

    output: Path
    _: KW_ONLY
    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    file: Annotated[Path | None, Parameter(name="--import")] = None
    reviewer: str | None = None
    study: str | None = None
    task: str | None = None
    consensus: str | None = None
    agreement: bool = False

    def __post_init__(self) -> None:
        if (self.file is None) != (not (self.reviewer or "").strip()):
            raise SettingsError("A mask and who drew it are wanted together: --import MASK --reviewer NAME.")
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"A port from 0 to 65535 is wanted, {self.port} came.")
        if sum((self.file is not None, self.consensus is not None, self.agreement)) > 1:
            raise SettingsError("One of --import, --consensus and --agreement is wanted at a time.")


def review(settings: ReviewSettings) -> int:
    """Look at outlines, the doubtful first, and mend them in a page; everything after the outline is done again.

    The page is for this machine alone unless --host says otherwise. It ends with Ctrl-C.
    """
    with Worklist.of(settings.output) as works, ExitStack() as stack:
        desk = Desk(works)
        stack.callback(desk.close)
        if settings.file is not None:
            return _import(desk, settings, settings.file)
        if settings.consensus is not None:
            return _agree_on(desk, settings, settings.consensus)
        if settings.agreement:
            for row in (_HEADER, *agreement(desk)):
                print("\t".join(row))
            return 0
        with works.page():
            desk.settle()
            return _serve(desk, settings)


def _import(desk: Desk, settings: ReviewSettings, path: Path) -> int:
    """Take a mask that was edited elsewhere as a correction."""
    study = _chosen(desk, settings, stem_of(path))
    mask, reviewer = read_mask(path), settings.reviewer or ""
    try:
        decision = corrected(mask, reviewer=reviewer, when=now())(study.examination.scan, study.drawn.proposed)
    except MaskError as error:
        raise MaskError(f"{path.name}: {error}") from error
    labels = decision.outline.labels.voxels
    verdict = Verdict("corrected", reviewer, desk.revision(study), labels, source=path.name)
    return _taken(desk, study, verdict)


def _agree_on(desk: Desk, settings: ReviewSettings, method: str) -> int:
    """Merge what several reviewers drew."""
    study = _chosen(desk, settings, "")
    return _taken(desk, study, desk.agreed(study, method=method))


def _taken(desk: Desk, study: Study, verdict: Verdict) -> int:
    revision = desk.decide(study, verdict)
    desk.flush()
    print(f"{study.stem}\t{study.entry.request.task}\t{verdict.kind}\trevision {revision}\t{verdict.reviewer}")
    return 0


def _chosen(desk: Desk, settings: ReviewSettings, name: str) -> Study:
    """The one study that is meant: as it is said, or by the beginning of a file's name, or the only one."""
    entries = [e for e in desk.entries() if settings.task in (None, e.request.task)]
    if settings.study is not None:
        entries = [e for e in entries if e.request.stem == settings.study]
    elif any(name.startswith(e.request.stem) for e in entries):
        longest = max(len(e.request.stem) for e in entries if name.startswith(e.request.stem))
        entries = [e for e in entries if name.startswith(e.request.stem) and len(e.request.stem) == longest]
    if len(entries) != 1:
        told = ", ".join(_named(e) for e in entries[:5]) or "none"
        raise SettingsError(f"One study is wanted: --study NAME, and --task NAME where it has several; {told} came.")
    return desk.study(entries[0].request.stem, entries[0].request.task)


def _named(entry: Entry) -> str:
    return f"{entry.request.stem} ({entry.request.task})"


def _serve(desk: Desk, settings: ReviewSettings) -> int:
    try:
        import uvicorn  # noqa: PLC0415 (belongs to the extra)

        from deepgray.serve.app import build  # noqa: PLC0415
        from deepgray.serve.guard import Rules  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"The review page wants {error.name}: pip install 'deepgray[serve]'.") from error
    token = secrets.token_urlsafe(24) if settings.token == "new" else settings.token
    app = build(desk, Rules(settings.host, token))
    with _listening(settings) as listener:
        host, port = settings.host, listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{port}/{f'?token={quote(token)}' if token else ''}", flush=True)
        print("deepgray: the page is open at the address above; Ctrl-C ends it.", file=sys.stderr, flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
    return 0


def _listening(settings: ReviewSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise OutputError(
            f"An address that is free is wanted, {settings.host} port {settings.port} is not: {reason}. "
            "--port 0 finds one."
        ) from error
    return listener
