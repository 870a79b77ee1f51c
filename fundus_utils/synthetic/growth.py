"""Vessel trees: arcades round the macula, and branches into whatever place is still empty.

The filling is the greedy form of constrained constructive optimization (Schreiner and Buxbaum
1993): the emptiest place is supplied next, from the nearest vessel. Unlike space colonization
(Runions 2005) it needs no small steps of all tips at once, and stops at a spacing in millimetres.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .ranges import Traits
from .tree import Array, Node, Tree, gaps

STEP = 0.13  # millimetres, one step of growth
MARGIN = 0.6  # millimetres beyond the field that are filled too
MACULA = 1.4  # millimetres round the fovea that main vessels avoid
BARE = 0.45  # millimetres round the fovea that are not filled
AVOIDED = 0.3  # millimetres round the fovea that no branch may enter
CLOSE = 0.15  # millimetres: nearer than this, two vessels would run together
PLACES = 2500  # candidates for the emptiest place
TRIES = 5  # paths of a main vessel, of which the best is kept


@dataclass(frozen=True)
class Trunk:
    """A main vessel of the lower half; angles in degrees, 0 to the temple, 90 down."""

    heading: float  # at the disc
    bearing: float  # of its goal, seen from the disc
    far: float  # distance of its goal from the disc, millimetres
    tip: float  # width at its goal, in widths of a terminal branch


# Mirrored above.
TRUNKS = (
    Trunk(heading=78.0, bearing=24.0, far=11.0, tip=2.2),
    Trunk(heading=112.0, bearing=100.0, far=8.0, tip=1.8),
    Trunk(heading=160.0, bearing=150.0, far=7.5, tip=1.5),
    Trunk(heading=30.0, bearing=12.0, far=2.6, tip=0.7),
)


def grow(start: Node, goal: tuple[float, float], wander: float, rng: Generator) -> list[Node]:
    """Grow one vessel step by step from `start` to the point `goal`, turning as it goes.

    Args:
        start: where it begins, and its heading there.
        goal: x, y in millimetres.
        wander: random turn at each step, standard deviation in radians.
        rng: where the turns come from.

    Returns:
        The nodes, `start` first; the last lies within a step of the goal, unless the vessel has
        lost its way and is cut off.
    """
    x, y, heading = start
    bend = 0.0
    path = [start]
    limit = int(1.6 * math.dist((x, y), goal) / STEP) + 2
    for turn in (wander * rng.standard_normal(limit)).tolist():
        distance = math.dist((x, y), goal)
        if distance < STEP:
            break
        bend = 0.8 * bend + turn
        # A curvature of 2 sin(miss) / distance follows the arc to the goal; 2.5 turns in earlier.
        miss = math.atan2(goal[1] - y, goal[0] - x) - heading
        heading += 2.5 * math.sin(miss) * STEP / distance + bend
        x += STEP * math.cos(heading)
        y += STEP * math.sin(heading)
        path.append((x, y, heading))
    return path


def grow_trunks(traits: Traits, rng: Generator) -> list[Tree]:
    """Grow the arcades round the macula and the nasal vessels: a tree of arteries, one of veins."""
    trees = [Tree(), Tree()]
    for half in (-1, 1):  # above, below
        for trunk in TRUNKS:
            turn = rng.uniform(-14, 14)
            away = rng.uniform(-8, 8)
            sides = rng.permutation([-0.5, 0.5]).tolist()  # artery beside vein
            for tree, apart in zip(trees, sides, strict=True):
                turn += rng.uniform(-5, 5)
                away += rng.uniform(-5, 5)
                heading = half * math.radians(trunk.heading + turn + 15 * apart)
                bearing = half * math.radians(trunk.bearing + away + 9 * apart)
                far = trunk.far * rng.uniform(0.85, 1.2)
                goal = (far * math.cos(bearing), far * math.sin(bearing))
                x = (-0.2 - 0.3 * apart) * traits.disc_radius
                y = 0.25 * half * rng.random() * traits.disc_radius
                tip = trunk.tip * rng.uniform(0.7, 1.25)
                path = _grow_round_macula((x, y, heading), goal, traits, rng)
                tree.attach(-1, path, tip, faint=1.0)
    return trees


def _grow_round_macula(
    start: Node, goal: tuple[float, float], traits: Traits, rng: Generator
) -> list[Node]:
    """Return the shortest of some tries that goes round the macula; else the shortest of all."""
    wander = 0.6 * traits.tortuosity
    tries = [grow(start, goal, wander, rng) for _ in range(TRIES)]
    round_macula = []
    for path in tries:
        if gaps(np.array(path), traits.fovea).min() >= MACULA**2:
            round_macula.append(path)
    return min(round_macula or tries, key=len)


def grow_branches(trees: list[Tree], traits: Traits, rng: Generator) -> None:
    """Add side branches, arteries and veins in turn, each into the emptiest place left.

    Args:
        trees: of arteries and of veins, as `grow_trunks` returns them; they are changed.
        traits: of the eye.
        rng: where chance comes from.
    """
    goals = _places_to_fill(traits, rng)
    # Squared distance from each place to the nearest artery, and to the nearest vein.
    space = [gaps(goals, tree.nodes) for tree in trees]
    kind = 0
    while True:
        other = 1 - kind
        emptiness = np.minimum(space[kind], 2.5 * space[other])
        if emptiness.max() <= traits.spacing**2:
            return
        best = int(np.argmax(emptiness))
        goal = goals[best]
        back = int(rng.uniform(0.2, 0.8) * math.sqrt(space[kind][best]) / STEP)
        parent = _forking_node(trees[kind], goal, back)
        branch = _grow_branch(trees[kind], parent, goal, traits, rng)
        space[kind][best] = 0.0  # this place is not tried again, even if the branch may not stay
        path = np.array(branch)
        if _may_stay(path, trees[kind], trees[other], traits):
            tip = rng.uniform(0.5, 1.0)
            faint = rng.uniform(0.5, 1.0)
            trees[kind].attach(parent, branch[1:], tip, faint)
            space[kind] = np.minimum(space[kind], gaps(goals, path))
        kind = other


def _places_to_fill(traits: Traits, rng: Generator) -> Array:
    """Return random places in and round the field, none on disc or fovea, mm, float64 (n, 2)."""
    reach = traits.width / 2 + MARGIN
    places = traits.centre + reach * rng.uniform(-1, 1, (PLACES, 2))
    inside = ((places - traits.centre) ** 2).sum(axis=1) < reach**2
    off_disc = gaps(places, [0.0, 0.0]) > (1.2 * traits.disc_radius) ** 2
    off_fovea = gaps(places, traits.fovea) > BARE**2
    return places[inside & off_disc & off_fovea]


def _forking_node(tree: Tree, goal: Array, back: int) -> int:
    """Return the node `back` steps before the one nearest to the goal, for an acute fork."""
    node = int(np.argmin(gaps(tree.nodes, goal)))
    for _ in range(back):
        if tree.parents[node] < 0:
            break
        node = tree.parents[node]
    return node


def _grow_branch(
    tree: Tree, parent: int, goal: Array, traits: Traits, rng: Generator
) -> list[Node]:
    """Grow a branch from node `parent` to the goal; it leaves at most at the angle of a fork."""
    x, y, heading = tree.nodes[parent].tolist()
    goal_x, goal_y = goal.tolist()
    miss = math.remainder(math.atan2(goal_y - y, goal_x - x) - heading, math.tau)
    largest = math.radians(traits.fork + rng.uniform(-15, 15))
    fork = math.copysign(min(abs(miss), largest), miss)
    wander = traits.tortuosity * rng.uniform(0.6, 1.6)
    return grow((x, y, heading + fork), (goal_x, goal_y), wander, rng)


def _may_stay(path: Array, tree: Tree, other: Tree, traits: Traits) -> bool:
    """Whether a grown branch, float64 (n, 3), is long enough and keeps clear of what is there."""
    if len(path) <= 4:
        return False
    if gaps(path[4:], tree.nodes).min() < CLOSE**2:  # it would meet its own tree
        return False
    if (gaps(path, other.nodes) < CLOSE**2).mean() > 0.35:  # it runs along the other tree
        return False
    if np.ptp(path[:, 2]) > math.pi:  # it turns in a loop
        return False
    return gaps(path, traits.fovea).min() >= AVOIDED**2


def tree_widths(trees: list[Tree], traits: Traits) -> list[Array]:
    """Widths of arteries and of veins in millimetres, float64 (nodes,) each.

    They follow Murray's law (1926), r0^3 = r1^3 + r2^3; the widest artery and vein are as wide as
    the traits say.
    """
    arteries, veins = trees
    return [
        _murray_widths(arteries, traits.ratio * traits.vein),
        _murray_widths(veins, traits.vein),
    ]


def _murray_widths(tree: Tree, widest: float) -> Array:
    """Add up the flow from the tips to the disc; the cube of a width is its flow."""
    flow = [*tree.feeds, 0.0]  # at the disc, parent -1, it leaves the tree
    for node in reversed(range(len(tree.feeds))):
        flow[tree.parents[node]] += flow[node]
    widths = np.array(flow[:-1]) ** (1 / 3)
    return widest * widths / widths.max()
