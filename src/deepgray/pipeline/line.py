"""A scan goes from station to station."""

from __future__ import annotations

from dataclasses import replace

from deepgray.anatomy import scheme
from deepgray.measure import implausible, measured
from deepgray.outline import outline
from deepgray.pipeline.head import Head, find_head, fitting
from deepgray.pipeline.work import Progress, Work, now
from deepgray.recipe import Options
from deepgray.result import Examination, InputRecord, Outline, Result
from deepgray.review import Decide, accept, flags, outside_mask
from deepgray.scan import Scan
from deepgray.subdivide import by_network, by_rule


def analyse(
    scan: Scan,
    task: str = "striatum",
    *,
    decide: Decide = accept,
    progress: Progress | None = None,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> Result:
    """Outline and measure one scan.

    For several tasks on one scan, or a scan with another one of the same head: ``find_head``, then ``analyse_head``.

    Args:
        scan: The scan, of the task's modality.
        task: Name of a task, or the path of a task file (``.toml``).
        decide: What a person, or nobody, says of the outline.
        progress: Called with the name of each of ``STAGES`` as it begins.
        options: What the task leaves open.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: A network is missing, damaged, or not the one that was shipped.
        AnatomyError: No head, or the structures are cut off.
        MaskError: The corrected mask does not fit.
    """
    head = find_head(Examination(scan), task, progress=progress, options=options)
    return analyse_head(head, task, decide=decide, progress=progress, options=options)


def analyse_head(
    head: Head,
    task: str,
    *,
    decide: Decide = accept,
    progress: Progress | None = None,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> Result:
    """Outline and measure in a head that was found.

    Args:
        head: From ``find_head``.
        task: As for ``analyse``, as are all further arguments.
        decide: What a person, or nobody, says of the outline.
        progress: Called with the name of each of ``STAGES`` but the first.
        options: What the task leaves open.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: A network is missing, damaged, or not the one that was shipped.
        FieldOfViewError: The structures are cut off.
        MaskError: The corrected mask does not fit, or the reference region is empty.
    """
    given, pose = head.examination, head.pose
    scan = given.scan
    what = fitting(scan, task, options)
    work = Work(options, progress, [head.time], [head.model])
    with work.stage("outline"):
        proposed = outline(scan, pose, model=work.model("outline", what.outline_model), scheme=scheme(what.scheme))
    with work.stage("review"):
        decision = decide(scan, proposed)
    with work.stage("subdivide"):
        parts: Outline | None = None
        if what.subdivide_model:
            parts = by_network(scan, decision.outline, pose, model=work.model("subdivide", what.subdivide_model))
        elif what.subdivide_scheme:
            parts = by_rule(decision.outline, pose)
    with work.stage("measure"):
        numbers = measured(what, given, pose, outlines=(decision.outline, parts) if parts else (decision.outline,))
    decision = replace(decision, when=decision.when or now())
    odd = implausible(what, numbers)
    raised = flags(pose, proposed, decision, task=what, implausible=odd) + outside_mask(scan, decision.outline)
    raised += parts.notes if parts else ()
    used, times, inputs = tuple(work.used), tuple(work.times), _inputs(given)
    return Result(scan, what, pose, proposed, decision, parts, numbers, raised, used, times, inputs)


def _inputs(examination: Examination) -> tuple[InputRecord, ...]:
    also, reference = examination.also, examination.reference
    found = [InputRecord("also", also.stem, also.sha256)] if also else []
    if reference.region is not None:
        found.append(InputRecord("reference", reference.name, reference.sha256))
    return tuple(found)
