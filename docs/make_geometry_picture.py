"""Draws docs/images/geometry.png: world, voxel grid, canonical frame, and the mirrored hemisphere.

Run it from the repository root: ``python docs/make_geometry_picture.py``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Polygon, Rectangle
from matplotlib.transforms import Affine2D

from deepgray.anatomy import structure
from deepgray.space import apply_affine

OUTPUT = Path(__file__).parent / "images" / "geometry.png"
INK, FAINT, SKIN, X_RED, Y_GREEN, Z_BLUE = "#222222", "#9a9a9a", "#f3ece2", "#c0392b", "#1e8449", "#2456a6"
BOX = "#7d3c98"


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    """An arrow from one point to another, in data coordinates."""
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2.0})


def note(axes: Axes, at: tuple[float, float], text: str, colour: str = INK, **options: object) -> None:
    """A word in the picture, legible over lines."""
    box = {"boxstyle": "round,pad=0.18", "fc": "white", "ec": "none", "alpha": 0.85}
    axes.text(*at, text, **({"color": colour, "ha": "center", "va": "center", "fontsize": 9.5, "bbox": box} | options))


def head_from_above(axes: Axes, turn_degrees: float = 0.0) -> None:
    """A head seen from above, nose up: the person's right is the picture's right."""
    turn = Affine2D().rotate_deg(turn_degrees) + axes.transData
    for patch in (
        Polygon([(-10, 90), (10, 90), (0, 108)], closed=True, fc=SKIN, ec=INK, lw=1.2, transform=turn),
        Ellipse((-76, -5), 14, 34, fc=SKIN, ec=INK, lw=1.2, transform=turn),
        Ellipse((76, -5), 14, 34, fc=SKIN, ec=INK, lw=1.2, transform=turn),
        Ellipse((0, 0), 152, 192, fc=SKIN, ec=INK, lw=1.4, transform=turn),
    ):
        axes.add_patch(patch)


def draw_world(axes: Axes) -> None:
    """RAS and LPS: one point, two spellings."""
    head_from_above(axes)
    arrow(axes, (0, 0), (60, 0), X_RED)
    arrow(axes, (0, 0), (0, 75), Y_GREEN)
    axes.plot(0, 0, "o", ms=11, mfc="white", mec=Z_BLUE, mew=2)
    axes.plot(0, 0, "o", ms=4, color=Z_BLUE)
    note(axes, (34, -12), "x: to the right", X_RED)
    note(axes, (-34, 62), "y: to the front", Y_GREEN)
    note(axes, (-32, -12), "z: up, to you", Z_BLUE)
    axes.plot(30, 40, "o", ms=7, color=INK)
    note(axes, (42, 22), "RAS ( 30,  40, 0) mm\nLPS (−30, −40, 0) mm", family="monospace", fontsize=8.5)
    note(axes, (-108, 0), "person's\nleft", FAINT)
    note(axes, (108, 0), "person's\nright", FAINT)


def draw_grid(axes: Axes) -> None:
    """An oblique, anisotropic grid whose first axis runs to the left, and what its affine says."""
    head_from_above(axes)
    angle = np.deg2rad(12)
    affine = np.eye(4)
    affine[:2, 0] = 20 * np.array([-np.cos(angle), -np.sin(angle)])
    affine[:2, 1] = 30 * np.array([-np.sin(angle), np.cos(angle)])
    affine[:2, 3] = (84, -62)
    columns, rows = 9, 6
    for i in range(columns):
        for j in range(rows):
            corners = np.array([(i + a, j + b, 0) for a, b in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))])
            chosen = (i, j) == (3, 2)
            axes.add_patch(
                Polygon(
                    apply_affine(affine, corners)[:, :2],
                    closed=True,
                    fc=mpl.colors.to_rgba("#e6b800", 0.55) if chosen else "none",
                    ec=INK if chosen else mpl.colors.to_rgba(INK, 0.3),
                    lw=1.3 if chosen else 0.7,
                )
            )
    origin, i_end, j_end, voxel = (
        tuple(apply_affine(affine, np.array(index))[:2]) for index in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (3, 2, 0))
    )
    arrow(axes, origin, i_end, X_RED)
    arrow(axes, origin, j_end, Y_GREEN)
    axes.plot(*origin, "o", ms=7, color=INK)
    axes.plot(*voxel, "o", ms=5, color=INK)
    note(axes, (origin[0] + 18, origin[1] - 20), "voxel 0, 0, 0:\nfourth column")
    note(axes, (i_end[0] - 26, i_end[1] - 22), "first column: one step\nof i, here to the left", X_RED)
    note(axes, (j_end[0] + 24, j_end[1] + 10), "second column:\none step of j", Y_GREEN)
    world = (
        f"voxel 3, 2, 0 lies at\n84 + 3·({affine[0, 0]:.1f}) + 2·({affine[0, 1]:.1f}) = {voxel[0]:.0f} mm to the right"
    )
    note(axes, (voxel[0] - 24, voxel[1] + 46), world.replace("-", "−"))


def draw_canonical(axes: Axes) -> None:
    """A nodding head and the frame of its own anterior and posterior commissures."""
    tilt = -18.0
    turn = Affine2D().rotate_deg(tilt) + axes.transData
    axes.add_patch(Polygon([(90, 16), (88, -22), (106, -16)], closed=True, fc=SKIN, ec=INK, lw=1.2, transform=turn))
    axes.add_patch(Rectangle((-62, -112), 56, 60, fc=SKIN, ec=INK, lw=1.2, transform=turn))
    axes.add_patch(Ellipse((-2, 8), 188, 160, fc=SKIN, ec=INK, lw=1.4, transform=turn))
    axes.add_patch(Rectangle((-44, -28), 72, 58, fc="none", ec=BOX, lw=1.8, ls="--", transform=turn))

    def placed(y: float, z: float) -> tuple[float, float]:
        at = Affine2D().rotate_deg(tilt).transform((y, z))
        return float(at[0]), float(at[1])

    arrow(axes, (-112, -104), (-74, -104), FAINT)
    arrow(axes, (-112, -104), (-112, -66), FAINT)
    note(axes, (-60, -104), "world y", FAINT)
    note(axes, (-104, -57), "world z", FAINT)
    arrow(axes, placed(-24, 0), placed(74, 0), Y_GREEN)
    arrow(axes, placed(0, 0), placed(0, 62), Z_BLUE)
    axes.plot(*placed(0, 0), "o", ms=8, color=INK)
    axes.plot(*placed(-24, 0), "o", ms=8, mfc="white", mec=INK, mew=1.6)
    note(axes, placed(10, -11), "AC: origin", fontsize=9)
    note(axes, placed(-32, -11), "PC", fontsize=9)
    note(axes, placed(58, 12), "y: along PC–AC", Y_GREEN)
    note(axes, placed(0, 72), "z: up", Z_BLUE)
    note(axes, placed(-46, 42), "the task's box,\nupright in this frame", BOX)


def draw_mirror(axes: Axes) -> None:
    """Right striatum onto left and back: one network, two sides."""
    head_from_above(axes)
    axes.plot([0, 0], [-96, 96], color=FAINT, lw=1, ls=":")
    for side, sign in (("left", -1), ("right", 1)):
        for name, centre, size, angle in (
            ("caudate", (14, 22), (11, 36), -8),
            ("putamen", (27, 8), (13, 44), -14),
        ):
            part = structure(f"{side} {name}")
            colour = np.array(part.colour) / 255
            axes.add_patch(Ellipse((sign * centre[0], centre[1]), *size, angle=sign * angle * -1, fc=colour, ec=INK))
        low = -48 if sign < 0 else 0
        axes.add_patch(Rectangle((low, -34), 48, 88, fc="none", ec=BOX, lw=1.8, ls="-" if sign < 0 else "--"))
    axes.annotate(
        "",
        xy=(-24, 56),
        xytext=(24, 56),
        arrowprops={"arrowstyle": "-|>", "color": BOX, "lw": 2, "connectionstyle": "arc3,rad=0.45"},
    )
    axes.annotate(
        "",
        xy=(24, -36),
        xytext=(-24, -36),
        arrowprops={"arrowstyle": "-|>", "color": BOX, "lw": 2, "connectionstyle": "arc3,rad=0.45"},
    )
    note(axes, (0, 79), "image: x → −x", BOX)
    note(axes, (0, -59), "answer: x → −x, labels of the right side", BOX)
    note(axes, (-102, 34), "the box that the\nnetwork knows", BOX)
    caudates = f"caudate {structure('left caudate').label}", f"caudate {structure('right caudate').label}"
    putamina = f"putamen {structure('left putamen').label}", f"putamen {structure('right putamen').label}"
    note(axes, (-102, -8), f"left:\n{caudates[0]}\n{putamina[0]}", fontsize=8.5)
    note(axes, (102, -8), f"right:\n{caudates[1]}\n{putamina[1]}", fontsize=8.5)


def main() -> None:
    """Draw the four panels and write the picture."""
    figure, panels = plt.subplots(2, 2, figsize=(11, 10.4), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12, w_pad=0.08)
    for axes, title, draw in zip(
        panels.flat,
        (
            "1  World: RAS millimetres (from above)",
            "2  Voxels: the affine places them (from above)",
            "3  Canonical frame: AC–PC (from the right)",
            "4  Two sides, one network (canonical, from above)",
        ),
        (draw_world, draw_grid, draw_canonical, draw_mirror),
        strict=True,
    ):
        draw(axes)
        axes.set_title(title, fontsize=12.5, loc="left", fontweight="bold", pad=8)
        axes.set(xlim=(-132, 132), ylim=(-120, 120), aspect="equal", xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set_color("#dddddd")
    OUTPUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUTPUT, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
