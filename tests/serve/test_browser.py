"""The page in a real browser: open, paint in three planes, undo, save, see the numbers change, two tabs."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from reviewed_folders import make_folder

from deepgray.worklist import Worklist, reviews

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn (extra serve) is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from deepgray.serve.app import build  # noqa: E402
from deepgray.serve.desk import Desk  # noqa: E402
from deepgray.serve.guard import Rules  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# WebGL2 without a graphics card.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
READY = "body:not(.busy) #structures tr"
PATIENCE_MS = 120_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Worklist.of(make_folder(tmp_path)) as works:
        desk = Desk(works)
        yield desk
        desk.close()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(build(desk, Rules("127.0.0.1")), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def context() -> Iterator[playwright.BrowserContext]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=FLAGS)
        context = browser.new_context(viewport={"width": 1400, "height": 860})
        context.set_default_timeout(PATIENCE_MS)
        yield context
        browser.close()


def opened(context: playwright.BrowserContext, address: str, reviewer: str) -> playwright.Page:
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on(
        "request",
        lambda request: request.url.startswith((address, "data:", "blob:")) or page.faults.append(request.url),
    )
    page.goto(address)
    page.fill("#reviewer", reviewer)
    page.press("#reviewer", "Tab")
    page.click("#worklist li >> nth=0")
    page.wait_for_selector(READY)
    return page


def drawing(page: playwright.Page) -> np.ndarray:
    values, shape = page.evaluate("[Array.from(deepgray.viewer.drawing), deepgray.viewer.shape]")
    return np.array(values, dtype=np.uint8).reshape(shape, order="F")


def stroke(page: playwright.Page, plane: int) -> None:
    """Show one plane alone, and draw a short line in the left half of the head, which is on the right."""
    page.keyboard.press(str(plane))
    page.wait_for_timeout(500)
    box = page.locator("#gl").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * (0.65 if plane != 4 else 0.5), box["y"] + box["height"] / 2
    page.mouse.move(x - 30, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=6)
    page.mouse.up()
    page.wait_for_timeout(300)


def saved(page: playwright.Page) -> None:
    page.keyboard.press("Shift+C")
    page.wait_for_selector("#said.good, #ask[open]")
    assert not page.locator("#ask").is_visible(), page.locator("#ask p").inner_text()


def test_paint_in_three_planes_undo_save_and_see_the_numbers_change(
    context: playwright.BrowserContext, address: str, desk: Desk
) -> None:
    page = opened(context, address, "A. Reader")
    assert page.locator("#title").inner_text() == "sub-02"
    before = drawing(page)
    page.click("#structures tr[data-label='2']")  # left putamen
    page.keyboard.press("d")
    assert "Doubtful place 1 of 1, left putamen" in page.locator("#said").inner_text()
    page.keyboard.press("b")
    counts = [int((before == 2).sum())]
    for plane in (2, 3, 4):  # axial, coronal, sagittal
        stroke(page, plane)
        counts.append(int((drawing(page) == 2).sum()))
    assert counts[0] < counts[1] < counts[2] < counts[3]
    page.keyboard.press("z")
    assert int((drawing(page) == 2).sum()) == counts[2]
    page.keyboard.press("y")
    assert int((drawing(page) == 2).sum()) == counts[3]
    page.keyboard.press("z")
    drawn = drawing(page)
    page.keyboard.press("1")
    saved(page)
    row = page.locator("#numbers tr[data-row='left putamen']")
    assert row.locator("td").all_inner_texts()[1:] == [f"{counts[0]}", f"{counts[2]}", f"+{counts[2] - counts[0]}"]
    assert "A. Reader" in page.locator("#history").inner_text()
    desk.flush()
    (review,) = reviews(desk.works.folder, "sub-02", "striatum")
    assert review.added == int(((drawn != before) & (drawn != 0)).sum())
    study = desk.study("sub-02", "striatum")
    labels = study.window.view(study.labels((review,), "A. Reader"))
    np.testing.assert_array_equal(labels == 12, drawn == 2)
    assert page.faults == []


def test_every_plane_says_where_its_sides_are(context: playwright.BrowserContext, address: str) -> None:
    page = opened(context, address, "A. Reader")
    seen = page.evaluate(
        """() => {
            const nv = deepgray.viewer.nv, seen = [];
            for (const [name, where] of [["Right", "left"], ["Left", "right"], ["Below", "top"], ["Above", "bottom"]]) {
                nv["drawText" + name] = (at, word) => seen.push([where, word, Math.round(at[0]), Math.round(at[1])]);
            }
            nv.drawScene();
            for (const name of ["Right", "Left", "Below", "Above"]) delete nv["drawText" + name];
            return seen;
        }"""
    )
    for where, letters in (("left", "RRA"), ("right", "LLP"), ("top", "ASS"), ("bottom", "PII")):
        assert sorted(word for side, word, *_ in seen if side == where) == sorted(letters)
    x = {(side, word): at for side, word, at, _ in seen}
    assert x["left", "R"] < x["right", "L"]


def test_the_second_of_two_tabs_is_asked_and_can_save_after_the_first(
    context: playwright.BrowserContext, address: str, desk: Desk
) -> None:
    first, second = (opened(context, address, "A. Reader") for _ in range(2))
    for page in (first, second):
        page.bring_to_front()
        page.keyboard.press("e")
        stroke(page, 2)
    first.bring_to_front()
    saved(first)
    second.bring_to_front()
    mine = drawing(second)
    second.keyboard.press("Shift+C")
    second.wait_for_selector("#ask[open]")
    assert "A. Reader corrected '" in second.locator("#ask p").inner_text()
    assert len(reviews(desk.works.folder, "sub-02", "striatum")) == 1
    np.testing.assert_array_equal(drawing(second), mine)
    second.click("#ask [data-answer='mine']")
    second.wait_for_selector("#said.good")
    assert len(reviews(desk.works.folder, "sub-02", "striatum")) == 2
    assert first.faults == second.faults == []
