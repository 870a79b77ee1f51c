"""From minutes to steps, by hand, and one real measurement that leaves the network as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_utils import unet
from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.training.fitting import compile_for
from fundus_utils.training.losses import cross_entropy
from fundus_utils.training.patients import gather
from fundus_utils.training.presets import Preset
from fundus_utils.training.timing import SHORTEST, Pace, epoch_ends, measure_pace


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        (1, [1]),
        (19, [19]),
        (23, [11, 23]),
        (40, [10, 20, 30, 40]),
        (350, list(range(35, 351, 35))),
        (1009, [100, 201, 302, 403, 504, 605, 706, 807, 908, 1009]),
        (2581, [258, 516, 774, 1032, 1290, 1548, 1806, 2064, 2322, 2581]),
    ],
)
def test_steps_are_cut_into_epochs(steps, ends):
    assert epoch_ends(steps, 10) == ends


@given(st.integers(1, 20_000), st.integers(1, 20))
def test_epochs_are_equal_to_within_a_step_whatever_the_number(steps, most):
    ends = epoch_ends(steps, most)
    lengths = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    assert sum(lengths) == steps and max(lengths) - min(lengths) <= 1
    assert len(ends) == max(1, min(most, steps // SHORTEST))


def test_steps_in_a_time_by_hand():
    pace = Pace(building=10, step=0.5, between=2, finishing=6)
    # 100 s less 10 for the graphs, 10 x 2 after the epochs and 6 in the end: 64 s, 128 steps.
    assert pace.steps_in(100, epochs=10) == 128
    assert pace.steps_in(36.5, epochs=10) == 1
    with pytest.raises(FundusError, match="over before the first step"):
        pace.steps_in(36.4, epochs=10)


@pytest.mark.slow
def test_measuring_the_pace_leaves_the_model_as_it_was(drawn_folder):
    preset = Preset(minutes=1, width=2, depth=1, crop=32, batch=4, fov_diameter=96, statistics=4)
    data = gather([load_set(f"folder:{drawn_folder}", "all")], preset)
    model = unet.compact_unet(2, 1)
    before = model.get_weights()
    compile_for(model, cross_entropy(), preset, 100)
    finished = []

    def finish_one():
        finished.append(True)
        return 3

    pace = measure_pace(model, data.crops, 4, data.validation, finish_one, seconds=1)
    assert finished == [True]
    assert pace.step > 0 and pace.between > 0 and pace.building > 0
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    nobody = measure_pace(model, data.crops, 4, None, finish_one, seconds=1)  # held out
    assert nobody.step > 0
