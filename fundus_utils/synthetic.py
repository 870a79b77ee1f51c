"""Drawn (synthetic) fundus photographs with their vessel labels: the default data set.

Stages: traits, tree, raster, optics. Traits and tree measure in diameters of the field of view from
its centre, x to the temple and y down; a right eye is mirrored when it becomes pixels.
"""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from types import SimpleNamespace as Traits  # an entry for each name in `Ranges`, and `side`

import numpy as np
from numpy.random import Generator, default_rng
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

Array = np.ndarray
Pair = tuple[Array, Array]
Node = tuple[float, float, float]  # x, y, heading in radians
COUNT, SEED = 60, 2026
FOLDERS = ("images", "labels", "masks", "arteries", "veins")
SHARED = ("colour", "streaks", "share", "tortuosity", "disc_radius", "cup")
STEP = 0.01  # length of one step of growth
FINER = 3  # subpixels a pixel; odd, so that no coverage is one half and no label hangs on rounding
# Main vessels of the lower half, mirrored above: heading at the disc and bearing of their goal from
# the disc (degrees, 0 to the temple, 90 down), its distance, the width there in terminal widths.
TRUNKS = ((80.0, 22.0, 0.87, 2.4), (118.0, 102.0, 0.54, 1.8), (162.0, 158.0, 0.36, 1.2))


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest value of each trait, drawn uniformly. Widen one to vary the eyes more."""

    colour: tuple = ((180, 68, 20), (225, 90, 36))  # background: red, green, blue, grey values
    streaks: tuple = (0.02, 0.12)  # choroidal vessels showing through, share of the brightness
    share: tuple = (0.100, 0.132)  # vessels / field, sets all widths; drawn by hand 0.07 (HRF)-0.12
    tortuosity: tuple = (0.02, 0.06)  # random turn at each step, standard deviation, radians
    disc_radius: tuple = (0.066, 0.078)  # a disc 1.8 mm across in a field of 12-13 mm (40-45°)
    cup: tuple = (0.30, 0.55)  # cup radius / disc radius; vessels come up nasal of its middle
    disc: tuple = ((-0.32, -0.03), (-0.24, 0.03))  # centre x, y
    fovea: tuple = ((0.32, 0.01), (0.36, 0.05))  # seen from the disc: 2.5 disc diameters away
    branches: tuple = (50, 60)  # side branches tried for the arteries, and again for the veins
    field: tuple = (0.94, 0.98)  # field diameter / picture size
    clip: tuple = (0.46, 0.54)  # the field is cut off at this height; from 0.5 on it is a circle
    falloff: tuple = (0.18, 0.45)  # loss of light from centre to rim
    tilt: tuple = ((-0.16, -0.16), (0.16, 0.16))  # rise of the light across the field in x, y
    macula: tuple = (0.20, 0.36)  # darkening at the fovea, green and blue
    absorb: tuple = ((0.06, 0.72, 0.50), (0.09, 0.84, 0.68))  # natural absorbance of a wide vein
    blur: tuple = (0.0010, 0.0022)  # standard deviation, picture sizes
    grain: tuple = (1.5, 3.0)  # sensor noise, standard deviation, grey values


@dataclass(frozen=True)
class DrawnEye:
    """One drawn photograph with its truth; every picture is (size, size), the photograph RGB."""

    name: str  # "drawn_01L"
    patient: str  # "01"
    photograph: Array  # uint8 (size, size, 3)
    label: Array  # bool: arteries or veins, inside the field of view
    fov: Array  # bool: the field of view
    arteries: Array  # bool
    veins: Array  # bool


@dataclass
class Tree:
    """All arteries, or all veins, of an eye as nodes; a parent comes before its children."""

    nodes: list[Node]
    parents: list[int]  # -1 at the disc
    feeds: list[float]  # flow that ends at the node, in cubed terminal widths

    def attach(self, parent: int, path: list[Node], tip: float) -> None:
        """Add a grown path behind node `parent`; its end is `tip` terminal widths wide."""
        first, more = len(self.nodes), len(path) - 1
        self.nodes += path
        self.parents += [parent, *range(first, first + more)]
        self.feeds += [3.0 * STEP * tip] * more + [tip**3]  # unseen twigs on the way: taper


def draw_traits(seed: int, eye: int, ranges: Ranges) -> Traits:
    """Draw each trait of `ranges`; those in `SHARED` are the same in both eyes of a patient."""
    patient, own = (default_rng([seed, eye // 2, which]) for which in (0, 1 + eye % 2))
    drawn = {name: own.uniform(*span) for name, span in asdict(ranges).items()}
    drawn |= {name: patient.uniform(*getattr(ranges, name)) for name in SHARED}
    drawn["fovea"] = drawn["fovea"] + drawn["disc"]
    return Traits(**drawn, side=1 - 2 * (eye % 2))


def gaps(points: Array | list[Node], others: Array | list[Node]) -> Array:
    """Squared distance from each of n points to the nearest of the others, float64 (n,)."""
    a, b = np.array(points), np.atleast_2d(others)
    return ((a[:, :1] - b[:, 0]) ** 2 + (a[:, 1:2] - b[:, 1]) ** 2).min(1)


def grow(start: Node, goal: tuple[float, float], wander: float, rng: Generator) -> list[Node]:
    """Grow one vessel step by step from `start` to the point `goal`, turning as it goes."""
    (x, y, heading), bend, path = start, 0.0, [start]
    limit = 2 * math.dist((x, y), goal) / STEP
    while (distance := math.dist((x, y), goal)) > STEP and len(path) < limit:
        bend = 0.8 * bend + wander * rng.standard_normal()
        # A curvature of 2 sin(miss) / distance follows the arc to the goal; 2.5 turns in earlier.
        miss = math.atan2(goal[1] - y, goal[0] - x) - heading
        heading += 2.5 * math.sin(miss) * STEP / distance + bend
        x, y = x + STEP * math.cos(heading), y + STEP * math.sin(heading)
        path.append((x, y, heading))
    return path


def grow_trunks(traits: Traits, rng: Generator) -> list[Tree]:
    """Grow the arcades round the macula and the nasal vessels: a tree of arteries, one of veins."""
    trees, (disc_x, disc_y) = [Tree([], [], []), Tree([], [], [])], traits.disc.tolist()
    for half, (heading, bearing, far, tip) in product((-1, 1), TRUNKS):
        turn = rng.uniform(-7, 7)
        for tree, apart in zip(trees, rng.permutation([-0.5, 0.5]).tolist(), strict=True):
            towards = half * math.radians(heading + turn + 14 * apart)  # artery beside vein
            aim = half * math.radians(bearing + turn + 10 * apart)
            x = disc_x - 0.2 * traits.disc_radius - 0.016 * apart * abs(math.sin(towards))
            goal = (disc_x + far * math.cos(aim), disc_y + far * math.sin(aim))
            tree.attach(-1, grow((x, disc_y, towards), goal, 0.4 * traits.tortuosity, rng), tip)
    return trees


def grow_branches(trees: list[Tree], traits: Traits, rng: Generator) -> None:
    """Add side branches, arteries and veins in turn, each into the emptiest place left."""
    goals = rng.uniform(-0.54, 0.54, (3000, 2))
    off_disc = gaps(goals, traits.disc) > (1.3 * traits.disc_radius) ** 2
    goals = goals[off_disc & (gaps(goals, traits.fovea) > 0.06**2) & ((goals**2).sum(1) < 0.29)]
    room = [gaps(goals, tree.nodes) for tree in trees]
    for kind in (0, 1) * int(traits.branches):
        tree, other = trees[kind], trees[1 - kind]
        best = int(np.argmax(np.minimum(room[kind], 2.5 * room[1 - kind])))
        goal_x, goal_y = goals[best].tolist()
        parent = int(np.argmin(gaps(tree.nodes, goals[best])))
        for _ in range(int(0.7 * math.sqrt(room[kind][best]) / STEP)):  # upstream: an acute fork
            parent = parent if tree.parents[parent] < 0 else tree.parents[parent]
        x, y, heading = tree.nodes[parent]
        miss = math.remainder(math.atan2(goal_y - y, goal_x - x) - heading, math.tau)
        fork = math.copysign(min(abs(miss), math.radians(rng.uniform(35, 65))), miss)
        path = grow((x, y, heading + fork), (goal_x, goal_y), traits.tortuosity, rng)
        room[kind][best] = 0.0
        meets = gaps(path[4:] or path, tree.nodes).min() < 0.012**2
        beside = (gaps(path, other.nodes) < 0.012**2).mean() > 0.3
        if not (meets or beside or gaps(path, traits.fovea).min() < 0.05**2):
            tree.attach(parent, path[1:], 1.0)
            room[kind] = np.minimum(room[kind], gaps(goals, path))


def vessel_widths(trees: list[Tree], traits: Traits) -> list[Array]:
    """Widths in field diameters by Murray's law (1926): r0^3 = r1^3 + r2^3; float64 (nodes,)."""
    widths, area = [], 0.0
    for tree, calibre in zip(trees, (0.85, 1.0), strict=True):  # arteries are the thinner ones
        flow, at = np.array([*tree.feeds, 0.0]), np.array(tree.nodes)
        for node in range(len(at) - 1, -1, -1):
            flow[tree.parents[node]] += flow[node]  # at the disc, parent -1, it leaves the tree
        widths.append(calibre * flow[:-1] ** (1 / 3))
        area += STEP * widths[-1][np.hypot(at[:, 0], at[:, 1]) < 0.5].sum()
    return [np.minimum(width * traits.share * math.pi / 4 / area, 0.017) for width in widths]


def raster(tree: Tree, widths: Array, traits: Traits, size: int, reflex: float) -> Pair:
    """Draw a tree: its mask, bool, and its depth of blood, float64 in 0..1, both (size, size)."""
    middle, unit = size * FINER / 2, traits.field * size * FINER
    canvas = Image.new("L", (size * FINER, size * FINER))
    pen = ImageDraw.Draw(canvas)
    at = [(middle + traits.side * x * unit, middle + y * unit) for x, y, _ in tree.nodes]
    ends = [(width, node) for node, width in enumerate(widths) if tree.parents[node] >= 0]
    for core, shade in ((1.0, 1.0), (0.3, 1 - reflex)):
        for width, node in sorted(ends):  # wide vessels last, over the thin ones
            # 3.6 is drawn as 4 subpixels, which fill most of a pixel wherever they fall: no gaps.
            (x, y), r = at[node], core * max(width * unit, 3.6) / 2
            fill = int(255 * shade * min(0.3 + 42 * width, 1.0))
            pen.line([at[tree.parents[node]], (x, y)], fill=fill, width=max(round(2 * r), 1))
            pen.ellipse([x - r, y - r, x + r, y + r], fill=fill)
    mask = np.asarray(canvas.point([0] + [255] * 255).reduce(FINER)) >= 128
    return mask, np.asarray(canvas.reduce(FINER)) / 255.0


def smooth_noise(rng: Generator, cells: int, size: int) -> Array:
    """Noise of about unit strength with `cells` bumps across, float64 (size, size)."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=float)


def background(traits: Traits, x: Array, y: Array, rng: Generator) -> Array:
    """The fundus without vessels in grey values, float64 (size, size, 3), at places (x, y)."""
    octaves = ((5, 0.06), (12, 0.02), (30, 0.02), (70, 0.02), (140, 0.02))
    texture = sum(strength * smooth_noise(rng, cells, x.size) for cells, strength in octaves)
    texture = texture + traits.streaks * np.exp(-3 * abs(smooth_noise(rng, 22, x.size)))
    light = 1 - traits.falloff * 8 * np.hypot(x, y) ** 3 + traits.tilt[0] * x + traits.tilt[1] * y
    from_fovea = (x - traits.fovea[0]) ** 2 + (y - traits.fovea[1]) ** 2
    dark = traits.macula * (np.exp(-from_fovea / 0.012) + 0.6 * np.exp(-from_fovea / 0.0008))
    x, y = (x - traits.disc[0]) / traits.disc_radius, (y - traits.disc[1]) / traits.disc_radius
    from_disc = np.hypot(x, y / 1.08) * (1 + 0.04 * smooth_noise(rng, 20, x.size))
    glow = (0.25 * np.exp(-(from_disc**2) / 4) - dark)[..., None] * np.array([0.3, 1.0, 1.0])
    picture = traits.colour * (1 + glow)
    rim, cup = (1 - from_disc) / 0.22, (traits.cup - np.hypot(x - 0.15, y)) / 0.4
    for inside, colour in ((rim, (248.0, 166.0, 80.0)), (cup, (255.0, 226.0, 140.0))):
        picture += 0.85 * np.clip(inside + 0.5, 0, 1)[..., None] * (np.array(colour) - picture)
    return picture * (light * (1 + texture))[..., None]


def expose(depth: Array, traits: Traits, rng: Generator) -> Pair:
    """Photograph, uint8 (size, size, 3), of blood of that `depth`, and its field of view, bool."""
    line = ((np.arange(len(depth)) + 0.5) / len(depth) - 0.5) / traits.field
    x, y = traits.side * line[None, :], line[:, None]
    picture = background(traits, x, y, rng) * np.exp(-depth[..., None] * traits.absorb)
    picture = gaussian_filter(picture, traits.blur * len(depth), axes=(0, 1))
    picture += traits.grain * rng.standard_normal(picture.shape)
    fov = (x**2 + y**2 < 0.25) & (abs(y) < traits.clip)
    return (picture.clip(0, 255).round() * fov[..., None]).astype(np.uint8), fov


def draw_eye(seed: int, eye: int, size: int = 512) -> DrawnEye:
    """Draw eye number `eye` (0-based: 01L, 01R, ...) of the set `seed`; any size from 256 px on."""
    traits = draw_traits(seed, eye, Ranges())
    shape, light = (default_rng([seed, eye // 2, 1 + eye % 2, use]) for use in (1, 2))
    trees = grow_trunks(traits, shape)
    grow_branches(trees, traits, shape)
    widths = vessel_widths(trees, traits)
    arteries, artery_depth = raster(trees[0], widths[0], traits, size, reflex=0.45)
    veins, vein_depth = raster(trees[1], widths[1], traits, size, reflex=0.12)
    photo, fov = expose(0.75 * artery_depth + vein_depth, traits, light)
    name, label = f"drawn_{eye // 2 + 1:02d}{'LR'[eye % 2]}", (arteries | veins) & fov
    return DrawnEye(name, name[6:-1], photo, label, fov, arteries, veins)


def draw_set(
    folder: Path, count: int = COUNT, seed: int = SEED, size: int = 512, progress: bool = True
) -> None:
    """Draw `count` eyes and write each as `folder`/KIND/NAME.png for each KIND in `FOLDERS`."""
    for kind in FOLDERS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool, (folder / "patients.csv").open("w") as patients:
        eyes = pool.map(lambda eye: draw_eye(seed, eye, size), range(count))
        for drawn in tqdm(eyes, total=count, unit="eye", file=sys.stderr, disable=not progress):
            masks = (drawn.label, drawn.fov, drawn.arteries, drawn.veins)
            pictures = (drawn.photograph, *(mask.astype(np.uint8) * 255 for mask in masks))
            patients.write(f"{drawn.name},{drawn.patient}\n")
            for kind, picture in zip(FOLDERS, pictures, strict=True):
                Image.fromarray(picture).save(folder / kind / f"{drawn.name}.png", compress_level=3)
