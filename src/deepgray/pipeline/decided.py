"""From an outline to the result: a person's decision, and everything after it."""

from __future__ import annotations

from dataclasses import replace

from deepgray.measure import implausible, levels_of, measured, registered, tracer_measures
from deepgray.pipeline.head import fitting
from deepgray.pipeline.intervals import Seen, told_with_intervals
from deepgray.pipeline.work import Work, now
from deepgray.recipe import Options, Task
from deepgray.register import doubts
from deepgray.result import Decision, Drawn, Examination, InputRecord, Outline, Registered, Result
from deepgray.review import Decide, flags, outside_mask
from deepgray.subdivide import by_network, by_rule


def analyse_drawn(examination: Examination, drawn: Drawn, task: str, *, decide: Decide, work: Work) -> Result:
    """Decide on an outline that was drawn, and do everything after it.

    Args:
        examination: The scan, and what came with it.
        drawn: The outline, and where it comes from.
        task: As for ``analyse``.
        decide: What a person, or nobody, says of the outline.
        work: Where networks and times are noted, those of ``drawn`` included.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: A network is missing, damaged, or not the one that was shipped.
        MaskError: The corrected mask does not fit, or the reference region is empty.
    """
    scan, pose, proposed = examination.scan, drawn.pose, drawn.proposed
    what = fitting(scan, task, work.options)
    with work.stage("review"):
        decision = decide(scan, proposed)
    usable = decision.kind != "rejected"
    with work.stage("subdivide"):
        parts = _parts(what, examination, drawn, decision=decision, work=work) if usable else None
    outlines = (decision.outline, parts) if parts else (decision.outline,)
    with work.stage("measure"):
        levels = levels_of(what, examination, pose, outline=decision.outline) if usable else ()
        numbers = measured(what, examination, pose, outlines=outlines, levels=levels) if usable else ()
        beside = _beside(examination, drawn)
        numbers += tracer_measures(outlines, scan, pose, beside) if beside and usable else ()
        seen = Seen(what, examination, drawn, decision, parts, levels, beside)
        numbers, intervals = told_with_intervals(numbers, seen) if usable else (numbers, "")
    decision = replace(decision, when=decision.when or now())
    raised = flags(pose, proposed, decision, task=what, implausible=implausible(what, numbers))
    raised += outside_mask(scan, decision.outline)
    raised += parts.notes if parts else ()
    raised += () if usable else (f"{decision.reviewer} rejected the outline; nothing was measured.",)
    raised += doubts(beside.registration) if beside else ()
    used, times, inputs = tuple(work.used), tuple(work.times), _inputs(examination)
    return Result(scan, what, pose, proposed, decision, parts, numbers, raised, used, times, inputs, beside, intervals)


def reviewed(
    examination: Examination,
    drawn: Drawn,
    task: str,
    *,
    decide: Decide,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> Result:
    """What comes of an outline that was drawn before, now that a person decided: nothing before it is done again.

    Args:
        examination: The scan, and what came with it, as then.
        drawn: The outline, and where it comes from.
        task: As for ``analyse``.
        decide: What the person says of the outline.
        options: What the task leaves open, as then.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: A network is missing, damaged, or not the one that was shipped.
        MaskError: The corrected mask does not fit, or the reference region is empty.
    """
    work = Work(options, None, list(drawn.times), list(drawn.models))
    return analyse_drawn(examination, drawn, task, decide=decide, work=work)


def _parts(what: Task, examination: Examination, drawn: Drawn, *, decision: Decision, work: Work) -> Outline | None:
    """Subregions inside the decided outline, where the task asks for them."""
    if what.subdivide_model:
        model = work.model("subdivide", what.subdivide_model)
        return by_network(examination.scan, decision.outline, drawn.pose, model=model)
    if drawn.divided is not None and decision.outline is drawn.proposed:
        return drawn.divided
    return by_rule(decision.outline, drawn.pose) if what.subdivide_scheme else None


def _beside(examination: Examination, drawn: Drawn) -> Registered | None:
    """The tracer scan that came beside the scan, with its reference region."""
    if examination.tracer is None or drawn.registration is None:
        return None
    return registered(examination.scan, drawn.pose, examination.tracer, drawn.registration)


def _inputs(examination: Examination) -> tuple[InputRecord, ...]:
    also, reference = examination.also, examination.reference
    found = [InputRecord("also", also.stem, also.sha256)] if also else []
    if examination.tracer is not None:
        tracer = examination.tracer.scan
        found.append(InputRecord(tracer.modality, tracer.stem, tracer.sha256))
    if reference.region is not None:
        found.append(InputRecord("reference", reference.name, reference.sha256))
    return tuple(found)
