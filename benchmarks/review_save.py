"""Seconds from *Save correction* to new numbers, in a real browser: ``python benchmarks/review_save.py RESULTS``.

RESULTS is what ``deepgray run SCAN -o RESULTS`` wrote; work on a copy, for every round corrects its first study. Wants
the extra ``serve``, playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from deepgray.serve.app import build
from deepgray.serve.desk import Desk
from deepgray.serve.guard import Rules
from deepgray.worklist import Worklist

LIMIT_S, AIM_S = 6.0, 2.0
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def main() -> None:
    """Serve, paint, save, wait for the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with Worklist.of(given.results) as works:
        desk = Desk(works)
        server = uvicorn.Server(uvicorn.Config(build(desk, Rules("127.0.0.1")), port=0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
        seconds = corrected(address, given.rounds)
        server.should_exit = True
        thread.join()
        desk.close()
    slowest = max(seconds)
    verdict = "aim reached" if slowest <= AIM_S else "reached" if slowest <= LIMIT_S else "MISSED"
    print(f"save to numbers: median {statistics.median(seconds):.2f} s, slowest {slowest:.2f} s of {len(seconds)}")
    print(f"(at most {LIMIT_S:g} s, aim {AIM_S:g}): {verdict}")


def corrected(address: str, rounds: int) -> list[float]:
    """Seconds of each round."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    seconds = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_context(viewport={"width": 1400, "height": 860}).new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        page.fill("#reviewer", "Benchmark")
        page.press("#reviewer", "Tab")
        page.click("#worklist li >> nth=0")
        page.wait_for_selector("body:not(.busy) #structures tr")
        page.click("#structures tr[data-label='2']")
        page.keyboard.press("b")
        page.keyboard.press("2")
        page.wait_for_timeout(500)
        box = page.locator("#gl").bounding_box()
        assert box is not None
        for number in range(rounds):
            x, y = box["x"] + box["width"] * 0.65, box["y"] + box["height"] / 2 + 12 * number
            page.mouse.move(x - 30, y)
            page.mouse.down()
            page.mouse.move(x + 30, y, steps=6)
            page.mouse.up()
            page.wait_for_timeout(500)
            numbers = page.locator("#numbers").inner_text()
            start = time.perf_counter()
            page.keyboard.press("Shift+C")
            page.wait_for_function("was => document.querySelector('#numbers').innerText !== was", arg=numbers)
            seconds.append(time.perf_counter() - start)
            page.wait_for_timeout(3000)  # the folder is written behind
        browser.close()
    return seconds


if __name__ == "__main__":
    main()
