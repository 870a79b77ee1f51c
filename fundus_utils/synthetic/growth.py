"""Vessel trees: arcades round the macula, and branches into whatever place is still empty.

The filling is the greedy form of constrained constructive optimization (Schreiner and Buxbaum
1993): the emptiest place is supplied next, from the nearest vessel. Unlike space colonization
(Runions 2005) it needs no small steps of all tips at once, and stops at a spacing in millimetres.
"""

import math
from itertools import product
from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator

Array = np.ndarray
Node = tuple[float, float, float]  # x, y in millimetres, heading in radians
STEP = 0.13  # millimetres, one step of growth
MARGIN = 0.6  # millimetres beyond the field that are filled too
MACULA = 1.4  # millimetres round the fovea that main vessels avoid
TWIGS = 0.03  # flow that leaves by unseen twigs at each step, in terminal flows: so vessels taper
PLACES = 2500  # candidates for the emptiest place
# Main vessels of the lower half, mirrored above: heading at the disc and bearing of their goal from
# the disc (degrees, 0 to the temple, 90 down), its distance in mm, and the width there in widths
# of a terminal branch.
TRUNKS = (
    (78.0, 24.0, 11.0, 2.2),
    (112.0, 100.0, 8.0, 1.8),
    (160.0, 150.0, 7.5, 1.5),
    (30.0, 12.0, 2.6, 0.7),
)


class Tree:
    """All arteries, or all veins, of an eye as nodes; a parent comes before its children."""

    def __init__(self) -> None:
        """Start without a node."""
        self.nodes = np.empty((0, 3))  # x, y, heading
        self.parents: list[int] = []  # -1 at the disc
        self.feeds: list[float] = []  # flow that ends at the node, in cubed terminal widths
        self.faint: list[float] = []  # how much of its blood shows, 0 to 1

    def attach(self, parent: int, path: list[Node], tip: float, faint: float) -> None:
        """Add a grown path behind node `parent`; its end is `tip` terminal widths wide."""
        first, more = len(self.nodes), len(path) - 1
        self.nodes = np.concatenate([self.nodes, path])
        self.parents += [parent, *range(first, first + more)]
        self.feeds += [TWIGS * tip] * more + [tip**3]
        self.faint += (faint * np.clip(np.linspace(2.0, 0.4, more + 1), 0, 1)).tolist()


def gaps(points: Array, others: Array | list[float]) -> Array:
    """Squared distance from each of n points to the nearest of the others, float64 (n,)."""
    a, b = np.asarray(points), np.atleast_2d(others)
    return ((a[:, :1] - b[:, 0]) ** 2 + (a[:, 1:2] - b[:, 1]) ** 2).min(1)


def grow(start: Node, goal: tuple[float, float], wander: float, rng: Generator) -> list[Node]:
    """Grow one vessel step by step from `start` to the point `goal`, turning as it goes."""
    (x, y, heading), bend, path = start, 0.0, [start]
    limit = int(1.6 * math.dist((x, y), goal) / STEP) + 2
    for turn in (wander * rng.standard_normal(limit)).tolist():
        distance = math.dist((x, y), goal)
        if distance < STEP:
            break
        bend = 0.8 * bend + turn
        # A curvature of 2 sin(miss) / distance follows the arc to the goal; 2.5 turns in earlier.
        miss = math.atan2(goal[1] - y, goal[0] - x) - heading
        heading += 2.5 * math.sin(miss) * STEP / distance + bend
        x, y = x + STEP * math.cos(heading), y + STEP * math.sin(heading)
        path.append((x, y, heading))
    return path


def grow_trunks(traits: Traits, rng: Generator) -> list[Tree]:
    """Grow the arcades round the macula and the nasal vessels: a tree of arteries, one of veins."""
    trees = [Tree(), Tree()]
    for half, (heading, bearing, far, tip) in product((-1, 1), TRUNKS):
        turn, away = rng.uniform(-14, 14), rng.uniform(-8, 8)
        for tree, apart in zip(trees, rng.permutation([-0.5, 0.5]).tolist(), strict=True):
            turn, away = turn + rng.uniform(-5, 5), away + rng.uniform(-5, 5)
            towards = half * math.radians(heading + turn + 15 * apart)  # artery beside vein
            aim = half * math.radians(bearing + away + 9 * apart)
            reach = far * rng.uniform(0.85, 1.2)
            x, y = np.array([-0.2 - 0.3 * apart, 0.25 * half * rng.random()]) * traits.disc_radius
            start, goal = (x, y, towards), (reach * math.cos(aim), reach * math.sin(aim))
            size = tip * rng.uniform(0.7, 1.25)
            # Of five tries the shortest that goes round the macula.
            tries = [grow(start, goal, 0.6 * traits.tortuosity, rng) for _ in range(5)]
            near = [gaps(np.array(path), traits.fovea).min() < MACULA**2 for path in tries]
            best = min(zip(near, map(len, tries), range(5), strict=True))[2]
            tree.attach(-1, tries[best], size, 1.0)
    return trees


def grow_branches(trees: list[Tree], traits: Traits, rng: Generator) -> None:
    """Add side branches, arteries and veins in turn, each into the emptiest place left."""
    reach = traits.width / 2 + MARGIN
    goals = traits.centre + reach * rng.uniform(-1, 1, (PLACES, 2))
    inside = ((goals - traits.centre) ** 2).sum(1) < reach**2
    goals = goals[inside & (gaps(goals, [0.0, 0.0]) > (1.2 * traits.disc_radius) ** 2)]
    goals = goals[gaps(goals, traits.fovea) > 0.45**2]  # the fovea has no vessels
    room = [gaps(goals, tree.nodes) for tree in trees]
    kind = 0
    while (together := np.minimum(room[kind], 2.5 * room[1 - kind])).max() > traits.spacing**2:
        tree, other = trees[kind], trees[1 - kind]
        best = int(np.argmax(together))
        goal = goals[best]
        parent = int(np.argmin(gaps(tree.nodes, goal)))
        for _ in range(int(rng.uniform(0.2, 0.8) * math.sqrt(room[kind][best]) / STEP)):
            parent = parent if tree.parents[parent] < 0 else tree.parents[parent]  # an acute fork
        x, y, heading = tree.nodes[parent].tolist()
        miss = math.remainder(math.atan2(goal[1] - y, goal[0] - x) - heading, math.tau)
        fork = math.copysign(min(abs(miss), math.radians(traits.fork + rng.uniform(-15, 15))), miss)
        wander = traits.tortuosity * rng.uniform(0.6, 1.6)
        grown = grow((x, y, heading + fork), tuple(goal.tolist()), wander, rng)
        path = np.array(grown)
        room[kind][best] = 0.0
        meets = len(path) <= 4 or gaps(path[4:], tree.nodes).min() < 0.15**2  # or is too short
        beside = (gaps(path, other.nodes) < 0.15**2).mean() > 0.35
        loops = np.ptp(path[:, 2]) > math.pi
        if not (meets or beside or loops or gaps(path, traits.fovea).min() < 0.3**2):
            tip, faint = rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.0)
            tree.attach(parent, grown[1:], tip, faint)
            room[kind] = np.minimum(room[kind], gaps(goals, path))
        kind = 1 - kind


def vessel_widths(trees: list[Tree], traits: Traits) -> list[Array]:
    """Widths in millimetres by Murray's law (1926): r0^3 = r1^3 + r2^3; float64 (nodes,)."""
    widths = []
    for tree, widest in zip(trees, (traits.ratio * traits.vein, traits.vein), strict=True):
        flow = [*tree.feeds, 0.0]
        for node in range(len(tree.feeds) - 1, -1, -1):
            flow[tree.parents[node]] += flow[node]  # at the disc, parent -1, it leaves the tree
        own = np.array(flow[:-1]) ** (1 / 3)
        widths.append(widest * own / own.max())
    return widths
