"""The one error that a reader of this course is meant to see."""


class FundusError(ValueError):
    """An error that the reader can act on: it names what is wrong, and what to do next.

    Args:
        problem: what is wrong, with the file's path where there is one; no full stop at the end.
        advice: what to do next; no full stop at the end.
    """

    def __init__(self, problem: str, advice: str) -> None:
        """Keep both parts, so that the error can travel between processes."""
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        """Return `problem: advice.` as one sentence."""
        return f"{self.problem}: {self.advice}."
