"""What `nsnn reproduce` shows: one bar over all cells, and a line for each that ends."""

import sys

from tqdm import tqdm


class Progress:
    """Counts estimated seconds over all cells that are to be trained.

    Parameters
    ----------
    seconds : dict of str to float
        Estimate of each cell by slug.
    cells : int
        Of the profile, with those that were done before.
    done : int
        Of these, before this sitting.
    bars : bool, optional
        Default: when standard error is a terminal.
    """

    def __init__(self, seconds: dict, cells: int, done: int, bars: bool | None = None):
        self._seconds = seconds
        self._fractions = dict.fromkeys(seconds, 0.0)
        self._cells, self._done = cells, done
        self._bar = tqdm(
            total=sum(seconds.values()),
            bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}{postfix}",
            smoothing=0,
            leave=False,
            disable=not (sys.stderr.isatty() if bars is None else bars),
        )
        self._bar.set_description_str(self._count())

    def update(self, slug: str, fraction: float) -> None:
        """A cell is as far as this."""
        self._bar.update((fraction - self._fractions[slug]) * self._seconds[slug])
        self._fractions[slug] = fraction

    def resumed(self, slug: str, fraction: float) -> None:
        """A cell was as far as this before: work that this sitting's time does not count for."""
        if not self._bar.disable:
            self._bar.initial += fraction * self._seconds[slug]
        self.update(slug, fraction)

    def finished(self, slug: str, text: str) -> None:
        """A cell is finished; say so in a line."""
        if slug in self._fractions:
            self.update(slug, 1.0)
        self._done += 1
        self._bar.set_description_str(self._count())
        self.line(f"{self._count()}  {slug}: {text}")

    def running(self, count: int) -> None:
        """So many cells are being trained."""
        self._bar.set_postfix_str(f"{count} running", refresh=True)

    def line(self, text: str) -> None:
        """Print a line on standard output, above the bar."""
        with tqdm.external_write_mode(file=sys.stdout):
            print(text, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def _count(self) -> str:
        return f"{self._done}/{self._cells} cells"
