"""A vessel tree as nodes, and distances between points."""

import numpy as np

Array = np.ndarray
Node = tuple[float, float, float]  # x, y in millimetres, heading in radians
TWIGS = 0.03  # flow that leaves by unseen twigs at each step, in terminal flows: so vessels taper


class Tree:
    """All arteries, or all veins, of an eye as nodes; a parent comes before its children."""

    def __init__(self) -> None:
        """Start without a node."""
        self.nodes = np.empty((0, 3))  # x, y, heading
        self.parents: list[int] = []  # -1 at the disc
        self.feeds: list[float] = []  # flow that ends at the node, in cubed terminal widths
        self.faint: list[float] = []  # how much of its blood shows, 0 to 1

    def attach(self, parent: int, path: list[Node], tip: float, faint: float) -> None:
        """Add a grown path behind a node.

        Args:
            parent: number of that node; -1 at the disc.
            path: the nodes to add, the one next to the parent first.
            tip: width at the path's end, in widths of a terminal branch.
            faint: how much of its blood shows, 0 to 1; it fades towards the end.
        """
        first = len(self.nodes)
        before_tip = len(path) - 1
        self.nodes = np.concatenate([self.nodes, path])
        self.parents += [parent, *range(first, first + before_tip)]
        self.feeds += [TWIGS * tip] * before_tip + [tip**3]
        fading = np.clip(np.linspace(2.0, 0.4, len(path)), 0, 1)
        self.faint += (faint * fading).tolist()


def gaps(points: Array, others: Array | list[float]) -> Array:
    """Squared distance from each point to the nearest of the others, float64 (n,).

    Args:
        points: (n, 2) or (n, 3), x and y in the first columns.
        others: the same with any number of rows, or one point (2,).
    """
    a = np.asarray(points)
    b = np.atleast_2d(others)
    squared = (a[:, :1] - b[:, 0]) ** 2 + (a[:, 1:2] - b[:, 1]) ** 2
    return squared.min(axis=1)
