"""A scan goes from station to station."""

from __future__ import annotations

from dataclasses import replace

from deepgray.anatomy import scheme
from deepgray.outline import deep_structures, outline
from deepgray.pipeline.decided import analyse_drawn
from deepgray.pipeline.head import Head, find_head, fitting
from deepgray.pipeline.work import Progress, Work
from deepgray.recipe import Options
from deepgray.register import register
from deepgray.result import Drawn, Examination, Result
from deepgray.review import Decide, accept
from deepgray.scan import Scan
from deepgray.subdivide import by_rule, part_uncertainty


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
        progress: Called with the name of each of ``STAGES`` (``STAGES_WITH_TRACER`` where one came) but the first.
        options: What the task leaves open.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: A network is missing, damaged, or not the one that was shipped.
        FieldOfViewError: The structures are cut off.
        MaskError: The corrected mask does not fit, or the reference region is empty.
        GeometryError: The tracer scan shows another person's head.
    """
    given, pose = head.examination, head.pose
    scan = given.scan
    what = fitting(scan, task, options)
    work = Work(options, progress, [head.time], [head.model])
    with work.stage("outline"):
        model, wanted = work.model("outline", what.outline_model), scheme(what.scheme)
        proposed = outline(scan, pose, model=model, scheme=wanted, fine=options.fine)
        if what.deep_model:
            deep, wanted = work.model("outline", what.deep_model), scheme("deep")
            pose = replace(pose, deep=deep_structures(scan, pose, model=deep, scheme=wanted))
        divided = by_rule(proposed, pose) if what.subdivide_scheme else None
        if divided is not None:
            proposed = replace(proposed, part_uncertainty=part_uncertainty(proposed, divided))
    found = None
    if given.tracer is not None:
        with work.stage("register"):
            found = register(scan, given.tracer.scan, pose)
    drawn = Drawn(pose, proposed, tuple(work.used), tuple(work.times), found, divided)
    return analyse_drawn(given, drawn, task, decide=decide, work=work)
