"""How a reader would call a DaT SPECT, suggested from binding ratios: normal, or one of three abnormal patterns.

The patterns are those of visual reading: one putamen reduced, both putamina, caudates too. The limits come from the
task file. They were set on simulated scans of many cameras; one camera and reconstruction deserve limits of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepgray.anatomy import HEMISPHERES
from deepgray.measure.binding import ANTERIOR, DORSAL, POSTERIOR, Uptake, binding_ratio
from deepgray.measure.references import Level
from deepgray.recipe import CategoryLimits
from deepgray.result import Measurement

CATEGORY = "suggested_category"
NAMES = ("NC", "ANC1", "ANC2", "ANC3")
MEANINGS = ("no pattern of loss", "one putamen reduced", "both putamina reduced", "caudates reduced too")
UNIT = "0 NC, 1 ANC1, 2 ANC2, 3 ANC3"


def suggested_category(
    found: Mapping[tuple[str, str], Uptake], level: Level, *, limits: CategoryLimits
) -> tuple[Measurement, ...]:
    """The category that the binding ratios suggest, 0 to 3, with its name and why in the method.

    Args:
        found: Means of caudate and of anterior and posterior putamen, both sides.
        level: The reference that the limits were set for.
        limits: Of the task.

    Returns:
        One measurement, NaN with the reason where a ratio is missing; none where the outline lacks the structures.
    """
    keys = [(name, side.value) for name in ("caudate", ANTERIOR, POSTERIOR) for side in HEMISPHERES]
    if not all(key in found for key in keys):
        return ()
    ratios = [binding_ratio(found[key].mean, level) for key in keys]
    reason = next((reason for _, reason in ratios if reason), "")
    sbr = {key: value for key, (value, _) in zip(keys, ratios, strict=True)}
    number, why = (float("nan"), f"undefined: {reason}") if reason else _suggested(sbr, limits)
    words = f"{NAMES[int(number)]} ({MEANINGS[int(number)]}): {why}" if np.isfinite(number) else why
    return (Measurement(DORSAL, "both", None, CATEGORY, number, UNIT, f"suggested {words}", reference=level.described),)


def _suggested(sbr: Mapping[tuple[str, str], float], limits: CategoryLimits) -> tuple[float, str]:
    front = float(np.mean([value for (name, _), value in sbr.items() if name != POSTERIOR]))
    worse, better = sorted(value for (name, _), value in sbr.items() if name == POSTERIOR)
    if front < limits.front_below:
        return 3.0, f"mean SBR of caudates and anterior putamina {front:.2f}, below {limits.front_below:g}"
    if better < limits.better_putamen_below:
        return 2.0, f"SBR of the better posterior putamen {better:.2f}, below {limits.better_putamen_below:g}"
    if worse < limits.worse_putamen_below:
        return 1.0, f"SBR of the worse posterior putamen {worse:.2f}, below {limits.worse_putamen_below:g}"
    return 0.0, (
        f"SBR of the posterior putamina {worse:.2f} and {better:.2f}, of caudates and anterior putamina {front:.2f}"
    )
