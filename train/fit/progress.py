"""How a training shows its progress: a bar with the time left on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:  # counting photographs must not wait for the import of a backend
    from train.fit.run_record import EpochMetrics
    from train.fit.trainer import StepProgress


class ProgressDisplay:
    """Draws steps and prints epochs, each line with a name before it where one is given.

    Where no bar can be drawn, a line within an epoch shows at most every ``every_s`` seconds how far it is.
    """

    def __init__(self, epochs: int, console: Console, bar: Progress, name: str = "", every_s: float = 60.0) -> None:
        self._epochs, self._console, self._bar, self._every_s = epochs, console, bar, every_s
        self._prefix = f"{name}: " if name else ""
        self._task = bar.add_task("starting", total=None)
        self._began: float | None = None
        self._first_epoch = 0
        self._said = time.monotonic()

    def step(self, step: StepProgress) -> None:
        """Show one step."""
        done = step.epoch * step.steps + step.step
        if self._began is None:
            self._began, self._first_epoch = time.monotonic(), step.epoch
            self._bar.reset(self._task, total=self._epochs * step.steps, completed=done)
        self._bar.update(
            self._task,
            completed=done,
            description=f"epoch {step.epoch + 1}/{step.epochs}  loss {step.loss:.3f}  accuracy {step.accuracy:.1%}",
        )
        if self._bar.disable and time.monotonic() - self._said >= self._every_s and step.step < step.steps:
            self._said = time.monotonic()
            self._console.print(
                f"{self._prefix}epoch {step.epoch + 1:3d}/{step.epochs}, step {step.step}/{step.steps}  "
                f"loss {step.loss:.4f}  accuracy {step.accuracy:.2%}",
                highlight=False,
                soft_wrap=True,
            )

    def epoch(self, metrics: EpochMetrics) -> None:
        """Print the metrics of a finished epoch."""
        self._said = time.monotonic()
        done = metrics.epoch + 1
        left = ""
        if self._began is not None and done < self._epochs:
            pace = (time.monotonic() - self._began) / (done - self._first_epoch)
            left = f"  about {timedelta(seconds=round(pace * (self._epochs - done)))} left"
        self._console.print(
            f"{self._prefix}epoch {done:3d}/{self._epochs}  loss {metrics.loss:.4f}  accuracy {metrics.accuracy:.2%}  "
            f"validation {metrics.val_accuracy:.2%} (loss {metrics.val_loss:.4f})  {metrics.seconds:.0f} s  "
            f"{metrics.images_per_s:,.0f} images/s, {metrics.waiting:.0%} waiting for data{left}",
            highlight=False,
            soft_wrap=True,
        )


@contextmanager
def show_progress(epochs: int, *, show: bool = True, name: str = "") -> Iterator[ProgressDisplay]:
    """A display for a training of ``epochs`` epochs.

    The bar is drawn only on a terminal and without a ``name``. A name distinguishes trainings that write to the same
    terminal.
    """
    console = Console(stderr=True, quiet=not show)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal or bool(name),
    )
    with bar:
        yield ProgressDisplay(epochs, console, bar, name)


@contextmanager
def show_count(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over countable things, on a terminal only. It gives a function of the number done and the number of all."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(f"{what} {{task.completed:.0f}}/{{task.total:.0f}}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=1)
        yield lambda done, everything: bar.update(task, completed=done, total=everything)
