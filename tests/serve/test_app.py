"""What the review page asks for, and what it is refused."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from reviewed_folders import copied, make_folder

from deepgray.report import read_kept
from deepgray.worklist import Worklist, reviews

starlette = pytest.importorskip("starlette", reason="starlette (extra serve) is not installed")
testclient = pytest.importorskip("starlette.testclient", reason="httpx is not installed", exc_type=ImportError)

from deepgray.serve.app import build  # noqa: E402
from deepgray.serve.desk import Desk  # noqa: E402
from deepgray.serve.guard import MOST_BYTES, Rules  # noqa: E402

STUDY = "/api/study/sub-02/striatum"
PAGE = {"x-deepgray": "1"}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("review"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "out")


@pytest.fixture
def page(out: Path) -> Iterator[testclient.TestClient]:
    with Worklist.of(out) as works:
        desk = Desk(works)
        client = testclient.TestClient(build(desk, Rules("127.0.0.1")), base_url="http://127.0.0.1:8765")
        client.desk = desk
        yield client
        desk.close()


def drawing(page: testclient.TestClient, reviewer: str = "A") -> tuple[nib.Nifti1Image, np.ndarray]:
    file = page.get(f"{STUDY}/0/labels.nii", params={"reviewer": reviewer}).content
    image = nib.Nifti1Image.from_bytes(file)
    return image, np.asarray(image.dataobj).copy()


def posted(image: nib.Nifti1Image, voxels: np.ndarray) -> bytes:
    return nib.Nifti1Image(voxels, image.affine, image.header).to_bytes()


def saved(page: testclient.TestClient, body: bytes, **asked: object) -> testclient.httpx.Response:
    values = {"kind": "corrected", "reviewer": "A. Reader", "revision": 0, "seconds": 61.5, **asked}
    answer = page.post(f"{STUDY}/decide", params=values, content=body, headers=PAGE)
    page.desk.flush()  # results are written in the background
    return answer


def everything(out: Path) -> dict[str, object]:
    """All files and rows; who holds what at the moment is left out."""
    files: dict[str, object] = {str(p): p.read_bytes() for p in sorted(out.glob("sub-*/*"))}
    with contextlib.closing(sqlite3.connect(out / "worklist.sqlite")) as database:
        for table in ("study", "event", "review"):
            files[table] = database.execute(f"SELECT * FROM {table}").fetchall()
    return files


def test_the_most_doubtful_study_is_first(page: testclient.TestClient) -> None:
    told = page.get("/api/worklist").json()
    assert [(s["stem"], s["state"]) for s in told["studies"]] == [("sub-02", "needs review"), ("sub-01", "done")]
    assert told["studies"][0]["doubt"] > 1 > told["studies"][1]["doubt"] > 0


def test_the_window_is_the_scans_own_voxels_in_the_order_right_front_up(page: testclient.TestClient, out: Path) -> None:
    told = page.get(STUDY).json()
    scan = nib.Nifti1Image.from_bytes(page.get(f"{STUDY}/scan.nii").content)
    assert list(scan.shape) == told["shape"]
    assert nib.aff2axcodes(scan.affine) == ("R", "A", "S")
    source = nib.load(scan_of(out))
    whole = np.asarray(source.dataobj, dtype=np.float32)
    voxels = np.asarray(scan.dataobj)
    to_source = np.linalg.inv(source.affine) @ scan.affine
    for place in ((0, 0, 0), (5, 7, 3), tuple(n - 1 for n in scan.shape)):
        there = np.rint(to_source @ [*place, 1])[:3].astype(int)
        assert voxels[place] == whole[tuple(there)]


def scan_of(out: Path) -> str:
    with Worklist.of(out) as works:
        return works.entry("sub-02", "striatum").request.given["scan"]


def test_the_doubtful_cube_is_the_first_place(page: testclient.TestClient) -> None:
    (place,) = page.get(STUDY).json()["places"]
    assert place["structure"] == "left putamen"
    assert 20 < place["bits"] <= 64.5  # 4 × 4 × 4 voxels of one bit, less a rim that smoothing takes
    entropy = np.asarray(nib.Nifti1Image.from_bytes(page.get(f"{STUDY}/entropy.nii").content).dataobj)
    assert entropy[tuple(place["index"])] == pytest.approx(1, abs=0.01)


def test_an_edit_is_pasted_back_voxel_by_voxel_and_measured_again(page: testclient.TestClient, out: Path) -> None:
    before = nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz")
    expected = np.asarray(before.dataobj).copy()
    image, voxels = drawing(page)
    number = next(n for n, s in enumerate(page.get(STUDY).json()["structures"], 1) if s["key"] == "left putamen")
    gone = np.argwhere(voxels == number)[:100]
    voxels[tuple(gone.T)] = 0
    answer = saved(page, posted(image, voxels))
    assert answer.status_code == 200, answer.text
    after = nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz")
    there = np.rint(np.linalg.inv(before.affine) @ image.affine @ np.c_[gone, np.ones(100)].T)[:3].astype(int)
    assert set(expected[tuple(there)]) == {12}
    expected[tuple(there)] = 0
    np.testing.assert_array_equal(np.asarray(after.dataobj), expected)
    told = answer.json()
    row = next(
        r for r in told["numbers"] if (r["structure"], r["side"], r["quantity"]) == ("putamen", "left", "volume")
    )
    assert row["before"] - row["now"] == pytest.approx(100, abs=1e-4)  # voxels of 1 mm³
    assert told["revision"] == 1
    assert [s["state"] for s in page.get("/api/worklist").json()["studies"]] == ["done", "reviewed"]


def test_the_record_says_who_when_how_long_and_what(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    voxels[tuple(np.argwhere(voxels == 2)[:7].T)] = 0
    voxels[tuple(np.argwhere(voxels == 1)[:5].T)] = 3
    assert saved(page, posted(image, voxels)).status_code == 200
    assert saved(page, b"", kind="accepted", reviewer="B", revision=1).status_code == 200
    first, second = reviews(out, "sub-02", "striatum")
    assert (first.reviewer, first.kind, first.seconds, first.added, first.removed) == (
        "A. Reader",
        "corrected",
        61.5,
        5,
        7,
    )
    assert (second.reviewer, second.kind, second.added, second.removed) == ("B", "accepted", 0, 0)
    assert second.before_sha256 == second.after_sha256 == first.before_sha256 != first.after_sha256
    record = json.loads((out / "sub-02" / "sub-02.json").read_text())["tasks"]["striatum"]["decision"]
    assert [line["reviewer"] for line in record["audit"]] == ["A. Reader", "B"]
    assert record["audit"][0]["voxels_removed"] == 7
    assert (record["kind"], record["reviewer"]) == ("accepted", "B")
    report = (out / "sub-02" / "sub-02_report.html").read_text()
    assert "A. Reader" in report
    assert first.after_sha256[:12] in report


def test_each_reviewer_goes_on_from_their_own_outline(page: testclient.TestClient) -> None:
    image, voxels = drawing(page)
    mine = voxels.copy()
    mine[tuple(np.argwhere(voxels == 2)[:50].T)] = 0
    assert saved(page, posted(image, mine)).status_code == 200
    np.testing.assert_array_equal(drawing(page, "A. Reader")[1], mine)
    np.testing.assert_array_equal(drawing(page, "B")[1], voxels)


def test_the_second_of_two_tabs_is_told_and_overwrites_nothing(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    voxels[tuple(np.argwhere(voxels == 2)[:50].T)] = 0
    assert saved(page, posted(image, voxels)).status_code == 200
    before = everything(out)
    voxels[tuple(np.argwhere(voxels == 2)[:50].T)] = 0
    late = saved(page, posted(image, voxels), reviewer="B")
    assert late.status_code == 409
    assert "A. Reader corrected 'sub-02' at" in late.json()["error"]
    assert everything(out) == before
    assert saved(page, posted(image, voxels), reviewer="B", revision=1).status_code == 200


def test_a_rejected_outline_has_no_numbers_until_it_is_corrected(page: testclient.TestClient, out: Path) -> None:
    assert saved(page, b"", kind="rejected").status_code == 200
    table = out / "sub-02" / "sub-02_measures.tsv"
    assert len(table.read_text().splitlines()) == 1
    assert "rejected the outline" in (out / "sub-02" / "sub-02_report.html").read_text()
    image, voxels = drawing(page)
    assert saved(page, posted(image, voxels), revision=1).status_code == 200
    assert len(table.read_text().splitlines()) > 10


def bad_edits(image: nib.Nifti1Image, voxels: np.ndarray) -> dict[str, tuple[bytes, str]]:
    moved = image.affine.copy()
    moved[0, 3] += 1
    scaled = bytearray(posted(image, voxels))
    scaled[112:116] = np.float32(2).tobytes()
    unknown = voxels.copy()
    unknown[0, 0, 0] = 9
    whole = posted(image, voxels)
    across = voxels.copy()
    across[-8:, 20:30, 20:30] = 2  # the left putamen on the right
    mirrored = voxels[::-1]
    return {
        "shape": (posted(image, voxels[:-1]), "voxels is wanted"),
        "affine": (nib.Nifti1Image(voxels, moved, image.header).to_bytes(), "lies elsewhere"),
        "dtype": (nib.Nifti1Image(voxels.astype(np.int16), image.affine).to_bytes(), "unsigned bytes"),
        "scaled": (bytes(scaled), "not scaled"),
        "label": (posted(image, unknown), "Labels 0 to 8 are wanted, 9 came"),
        "cut off": (whole[:-10], "bytes is wanted"),
        "too long": (whole + b"x", "bytes is wanted"),
        "empty body": (b"", "A NIfTI file is wanted"),
        "no image": (b"hello" * 200, "A NIfTI file is wanted"),
        "gzip": (b"\x1f\x8b" + b"\0" * 500, "A NIfTI file is wanted"),
        "nothing left": (posted(image, np.zeros_like(voxels)), "an empty one came"),
        "other side": (posted(image, across), "beyond the middle"),
        "mirrored": (posted(image, np.ascontiguousarray(mirrored)), "on the left is wanted"),
    }


def test_bad_edits_are_refused_with_a_reason_and_change_nothing(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    before = everything(out)
    for name, (body, reason) in bad_edits(image, voxels).items():
        answer = saved(page, body)
        assert answer.status_code == 422, name
        assert reason in answer.json()["error"], name
    assert everything(out) == before


def test_bad_words_are_refused_and_change_nothing(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    body, before = posted(image, voxels), everything(out)
    for asked in (
        {"reviewer": ""}, {"reviewer": "  "}, {"reviewer": "batch"}, {"reviewer": "x" * 200}, {"reviewer": "a\nb"},
        {"kind": "loved"}, {"kind": "consensus"}, {"kind": ""}, {"kind": "accepted"}, {"revision": "-1"},
        {"revision": "x"}, {"revision": ""}, {"seconds": "-5"}, {"seconds": "nan-ish"}, {"seconds": "inf"},
    ):  # fmt: skip
        assert saved(page, body, **asked).status_code == 422, asked
    assert saved(page, body, revision=5).status_code == 409
    for path in ("/api/study/nobody/striatum", "/api/study/sub-02/dentate", "/static/..%2Fapp.py", "/static/app.py"):
        assert page.get(path).status_code == 404, path
    assert everything(out) == before


def test_random_bytes_are_refused_and_change_nothing(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    good, before, chance = posted(image, voxels), everything(out), np.random.default_rng(0)
    for _ in range(60):
        body = bytearray(good)
        for place in chance.integers(0, 112, 3):  # the header's first fields: sizes, types, dimensions
            body[place] = chance.integers(0, 256)
        answer = saved(page, bytes(body[: chance.integers(1, len(body))]))
        assert answer.status_code == 422
        assert answer.json()["error"]
    assert everything(out) == before


def test_a_post_of_200_megabytes_is_refused_before_it_is_read(page: testclient.TestClient) -> None:
    sent = []

    def body() -> Iterator[bytes]:
        for _ in range(200):
            sent.append(1)
            yield b"\0" * 2**20

    headers = {**PAGE, "content-length": str(200 * 2**20)}
    answer = page.post(f"{STUDY}/decide", content=body(), headers=headers)
    assert answer.status_code == 413
    assert f"At most {MOST_BYTES} bytes are wanted" in answer.json()["error"]
    chunked = page.post(f"{STUDY}/decide", content=body(), headers=PAGE)
    assert chunked.status_code == 411


def test_other_pages_and_other_names_of_this_machine_are_refused(page: testclient.TestClient, out: Path) -> None:
    before = everything(out)
    accept = {"kind": "accepted", "reviewer": "A", "revision": 0}
    assert page.post(f"{STUDY}/decide", params=accept).status_code == 403
    foreign = {**PAGE, "origin": "https://elsewhere.example"}
    assert page.post(f"{STUDY}/decide", params=accept, headers=foreign).status_code == 403
    assert page.get("/", headers={"host": "elsewhere.example"}).status_code == 403
    assert page.get("/", headers={"host": "localhost:8765"}).status_code == 200
    assert everything(out) == before


def test_an_address_that_others_reach_needs_the_token(out: Path) -> None:
    token = "0123456789abcdef"
    with Worklist.of(out) as works:
        rules = Rules("0.0.0.0", token)
        app = build(Desk(works), rules)
        page = testclient.TestClient(app, base_url="http://10.0.0.1", follow_redirects=False)
        for shown in ({}, {"authorization": "Bearer wrong"}, {"cookie": "deepgray_token=wrong"}):
            assert page.get("/api/worklist", headers=shown).status_code == 401
            assert page.post(f"{STUDY}/decide", headers={**PAGE, **shown}).status_code == 401
        assert page.get("/api/worklist", headers={"authorization": f"Bearer {token}"}).status_code == 200
        assert page.get("/api/worklist", params={"token": token}).status_code == 401
        assert page.get("/", params={"token": token}).status_code == 303
        assert page.get("/api/worklist").status_code == 200  # the cookie is there now


def test_two_reviewers_make_a_consensus(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    assert page.post(f"{STUDY}/consensus", params={"method": "staple", "revision": 0}, headers=PAGE).status_code == 422
    for number, name in enumerate(("A", "B", "C")):
        mine = voxels.copy()
        if name != "C":
            mine[tuple(np.argwhere(voxels == 2)[:40].T)] = 0
        assert saved(page, posted(image, mine), reviewer=name, revision=number).status_code == 200
    pairs = {(p["one"], p["other"]): p["dice"]["left putamen"] for p in page.get(STUDY).json()["agreement"]}
    assert pairs["A", "B"] == 1
    assert 0.9 < pairs["A", "C"] < 1
    answer = page.post(f"{STUDY}/consensus", params={"method": "majority", "revision": 3}, headers=PAGE)
    assert answer.status_code == 200
    last = reviews(out, "sub-02", "striatum")[-1]
    assert (last.kind, last.reviewer) == ("consensus", "consensus of A, B, C (majority)")
    assert last.after_sha256 == reviews(out, "sub-02", "striatum")[0].after_sha256


def test_one_click_adds_what_looks_alike_and_keeps_nothing(page: testclient.TestClient, out: Path) -> None:
    image, voxels = drawing(page)
    whole = voxels == 2
    low, high = np.argwhere(whole).min(axis=0), np.argwhere(whole).max(axis=0)
    cut = voxels.copy()
    cut[:, low[1] : low[1] + 5][whole[:, low[1] : low[1] + 5]] = 0
    x, y, z = ((low + high) // 2)[0], low[1] + 2, ((low + high) // 2)[2]
    before = everything(out)
    asked = {"x": int(x), "y": int(y), "z": int(z), "label": 2, "side": "in"}
    answer = page.post(f"{STUDY}/refine", params=asked, content=posted(image, cut), headers=PAGE)
    assert answer.status_code == 200
    mended = np.asarray(nib.Nifti1Image.from_bytes(answer.content).dataobj) == 2
    missing = whole & (cut != 2)
    assert (mended & missing).sum() > 0.25 * missing.sum()
    assert (mended & ~whole).sum() < 0.2 * missing.sum()
    assert everything(out) == before
    for wrong in ({"x": 999}, {"label": 0}, {"label": 99}, {"z": "up"}):
        refused = page.post(f"{STUDY}/refine", params={**asked, **wrong}, content=posted(image, cut), headers=PAGE)
        assert refused.status_code == 422


def test_the_page_and_its_parts_come_with_rules_for_the_browser(page: testclient.TestClient) -> None:
    answer = page.get("/")
    assert "deepgray" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name in ("page.js", "page.css", "viewer.js", "niivue-0.69.0.js", "niivue-LICENSE.txt", "icon.svg"):
        assert page.get(f"/static/{name}").status_code == 200
    assert page.get(f"{STUDY}/0/thumbnail.png").content.startswith(b"\x89PNG")


def test_what_was_kept_is_what_the_network_drew(out: Path) -> None:
    drawn = read_kept(out, "sub-02", task="striatum")
    image = nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz")
    np.testing.assert_array_equal(drawn.proposed.labels.voxels, np.asarray(image.dataobj))
    np.testing.assert_allclose(drawn.proposed.labels.affine_ras, image.affine, atol=1e-5)
    assert drawn.proposed.probabilities is not None
    assert drawn.proposed.probabilities.voxels.max() == pytest.approx(0.95, abs=1e-3)
    assert drawn.pose.confidence == 0.95
    assert {u.structure.key: round(u.score, 3) for u in drawn.proposed.uncertainty}["left caudate"] == 0.2
