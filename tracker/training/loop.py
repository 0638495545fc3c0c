"""The whole loop, top to bottom, in the order in which a run happens.

Everything that changes is in `State`; everything it is made of comes in as `Task`. Which work is
due is a pure function of the step, so a loop started from a saved state does exactly what the one
that saved it would have done next.
"""

from __future__ import annotations

import math
import time
from typing import NoReturn

from torch import Tensor, nn

from tracker import tags
from tracker.data.seeding import fold
from tracker.errors import RunFailed, Stopped
from tracker.models import freezing
from tracker.record.landmarks import landmarks
from tracker.training import pages, projector
from tracker.training.evaluate import Evaluation, evaluate
from tracker.training.features import Forward, Whole, courses
from tracker.training.loss import Inputs, forward_loss
from tracker.training.penultimate import Penultimate
from tracker.training.report import epoch_line, report
from tracker.training.state import State, Task

REPORT_EVERY = 5.0  # seconds at least; a report takes 2 ms


def train(task: Task, state: State) -> None:
    """Train `state` to the end of the run, evaluating, drawing and saving on the way.

    Raises `RunFailed` when the loss stops being a number, and `Stopped`, with the state saved,
    when `task.stop` asks for it.
    """
    live, spec = task.live, task.experiment
    live.total_steps, live.epochs = task.total_steps, spec.training.epochs
    live.first_step, live.started = state.step, time.monotonic()
    course = courses(task, state)
    while True:
        if _due(task, state, spec.logging.eval_every) and state.evaluated != state.step:
            _evaluate(task, state, course)
        due = _due(task, state, spec.checkpoint.every_epochs) or _save_due(task, state)
        if due and state.saved != state.step:
            _save(task, state, best=False)
        if state.ending or state.step >= task.total_steps:
            break
        _train_epoch(task, state, course)
    if spec.logging.projector:
        projector.write(task, *(state.judged or _judge(task, state, course)))
    report(task, state)  # once more: the one before may have died with the process that wrote it
    live.phase = "finished"


def _train_epoch(task: Task, state: State, course: Whole) -> None:
    """Go on from `state.step` to the end of its epoch, or of the run."""
    every, live = task.experiment.logging.scalars_every, task.live
    epoch, start = divmod(state.step, len(task.batches))
    live.phase, live.epoch = "training", epoch + 1
    freezing.prepare(state.model, task.experiment.model.freeze, epoch)
    # Settled here, for on a small network it shows what is asked at every step.
    last = min((epoch + 1) * len(task.batches), task.total_steps)
    drawn = last if _histograms_due(task, last) else None
    saving = task.experiment.checkpoint
    saves = saving.every_steps is not None or saving.every_minutes is not None
    state.meter.resume()
    forward, batches = course.epoch(epoch, start)
    for inputs, labels in batches:
        upcoming = state.step + 1
        logs = upcoming % every == 0 or upcoming in (1, task.total_steps)
        draws = upcoming == drawn
        lr, norm = _step(task, state, forward, inputs, labels, measure=logs, draw=draws)
        live.step = upcoming
        if logs:
            _log(task, state, lr, norm)
        if task.stop():
            _stop(task, state)
        if upcoming == last:
            break
        if saves and _save_due(task, state):  # at the end of an epoch it is, after evaluating
            state.meter.pause()
            _save(task, state, best=False)
            live.phase = "training"
            state.meter.resume()
    state.meter.pause()


def _step(
    task: Task,
    state: State,
    forward: Forward,
    inputs: Inputs,
    labels: Tensor,
    *,
    measure: bool,
    draw: bool,
) -> tuple[float, Tensor | None]:
    """Take one optimizer step; return its learning rate and, if asked to `measure`, the gradient's
    norm. `draw` the histograms with it.
    """
    spec = task.experiment.training
    with task.machine.autocast():
        loss, logits, labels = forward_loss(
            forward,
            inputs,
            labels,
            smoothing=spec.label_smoothing,
            mixup_alpha=spec.mixup_alpha,
            seed=fold(task.experiment.seed, state.step) if spec.mixup_alpha else 0,
        )
    loss.backward()
    norm = None
    if spec.clip_grad_norm is not None:
        norm = nn.utils.clip_grad_norm_(state.model.parameters(), spec.clip_grad_norm)
    elif measure:
        gradients = [one.grad for one in state.model.parameters() if one.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
    lr = task.learning_rate(state.step)
    for group in state.optimizer.param_groups:
        group["lr"] = lr * group["scale"]
    state.optimizer.step()
    if draw:
        which = task.experiment.logging.histograms
        chosen = landmarks(state.model) if which == "few" else dict(state.model.named_parameters())
        trained = {name: one for name, one in chosen.items() if one.requires_grad}
        pages.write_histograms(task.writer, state.step + 1, trained)
    state.optimizer.zero_grad()
    if state.average is not None:
        state.average.update_parameters(state.model)
    state.meter.add(loss, logits, labels)
    state.step += 1
    return lr, norm


def _log(task: Task, state: State, lr: float, norm: Tensor | None) -> None:
    """Write the scalars of the steps since the last point: the one place that waits for them."""
    loss, accuracy, speed = state.meter.take()
    values = {
        tags.ACCURACY_TRAIN: accuracy,
        tags.LOSS_TRAIN: loss,
        tags.LR: lr,
        tags.EPOCH: state.step / len(task.batches),
    }
    if speed is not None:
        values[tags.IMAGES_PER_SECOND] = speed
    if norm is not None:
        values[tags.GRAD_NORM] = norm.item()
    task.writer.scalars(state.step, values | task.system())
    state.scores.note(state.step, values)
    live = task.live
    live.loss, live.accuracy, live.images_per_second = loss, accuracy, speed
    if time.monotonic() - live.reported > REPORT_EVERY:
        report(task, state)
    if not math.isfinite(loss):
        raise _diverged(task, state, f"the training loss is {loss}")


def _due(task: Task, state: State, every_epochs: int) -> bool:
    """Return whether something done every so many epochs, and at the end, is due at this step."""
    if state.step == 0:
        return False
    return _ends(task, state) or state.step % (len(task.batches) * every_epochs) == 0


def _ends(task: Task, state: State) -> bool:
    return state.step >= task.total_steps or bool(state.ending)


def _save_due(task: Task, state: State) -> bool:
    """Return whether a checkpoint is due by steps or by the clock."""
    spec = task.experiment.checkpoint
    if state.step == 0:
        return False
    return (spec.every_steps is not None and state.step % spec.every_steps == 0) or (
        spec.every_minutes is not None and task.saver.age >= 60 * spec.every_minutes
    )


def _pictures_due(task: Task, state: State) -> bool:
    every = task.experiment.logging.pictures_every
    return every > 0 and _due(task, state, task.experiment.logging.eval_every * every)


def _histograms_due(task: Task, step: int) -> bool:
    """Return whether they are due with `step`: when it is taken, for its gradients go with it."""
    spec = task.experiment.logging
    every = len(task.batches) * spec.eval_every * spec.histograms_every
    return spec.histograms != "none" and (step % every == 0 or step == task.total_steps)


def _evaluate(task: Task, state: State, course: Whole) -> None:
    """Judge the network on every validation picture; write, save if best, decide on going on."""
    spec, live = task.experiment, task.live
    live.phase = "evaluating"
    result, _ = state.judged = _judge(task, state, course)
    if not math.isfinite(result.loss):
        raise _diverged(task, state, f"the validation loss is {result.loss}")
    values = {tags.ACCURACY_VAL: result.accuracy, tags.LOSS_VAL: result.loss}
    task.writer.scalars(state.step, values)
    improved = state.scores.note(state.step, values, state.meter.seconds)
    state.evaluated, live.val_accuracy = state.step, result.accuracy
    if state.patience and state.patience.over(values[state.patience.spec.metric]):
        state.ending = (
            f"early stopping: {state.patience.spec.metric} has not improved "
            f"for {state.patience.waited} evaluations"
        )
    if _pictures_due(task, state):
        model = state.evaluated_model
        pages.write_evaluation(task.writer, task.dataset, state.step, model, result)
    if _pictures_due(task, state) or _ends(task, state):
        pages.write_numbers(task.writer, task.dataset, state.step, result)
        if spec.logging.pr_curves:
            pages.write_curves(task.writer, task.dataset, state.step, result)
    task.say(epoch_line(task, state))
    if state.ending:
        task.say(state.ending)
    if spec.checkpoint.metric in improved:
        _save(task, state, best=True)
    report(task, state)


def _judge(task: Task, state: State, course: Whole) -> tuple[Evaluation, Tensor | None]:
    """Return what the network makes of the validation pictures, and its features of some.

    Those are for the projector's page, so only of an evaluation that may be the last.
    """
    answered, model = course.answers(), state.evaluated_model
    looking = Penultimate(model, projector.shown(task))
    if task.experiment.logging.projector and (_ends(task, state) or state.patience):
        answered = looking.watching(answered)
    result = evaluate(model, answered, task.stop)
    if result is None:
        _stop(task, state)
    return result, looking.features


def _save(task: Task, state: State, *, best: bool) -> None:
    """Commit: events to the disk first, then the checkpoint that says how long they are."""
    task.live.phase = "saving"
    # A run that has lost its weights must not push the good checkpoints out with bad ones.
    if not nn.utils.get_total_norm(state.model.parameters()).isfinite():
        raise _diverged(task, state, "the weights are no longer finite")
    committed = {"events": task.writer.commit(), "machine": task.machine.to_document()}
    task.saver.save(state.state_dict() | committed, state.step, best=best)
    state.saved = state.step


def _diverged(task: Task, state: State, what: str) -> RunFailed:
    lr = task.learning_rate(max(0, state.step - 1))
    return RunFailed(
        f"{what} at step {state.step} (learning rate {lr:.3g}); try a smaller optimizer.lr, "
        "a schedule.warmup_epochs or training.clip_grad_norm"
    )


def _stop(task: Task, state: State) -> NoReturn:
    """Save where we are, between two steps, and leave. Raises `Stopped`."""
    state.meter.pause()
    if state.saved != state.step and state.step > 0:
        _save(task, state, best=False)
    task.saver.wait()
    report(task, state)
    signum = task.stop.signum or 0
    raise Stopped(f"stopped at step {state.step} of {task.total_steps}; the state is saved", signum)
