"""What trains differently has another fingerprint; what trains alike has the same."""

import functools
import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

from fundus_utils import storage, unet
from fundus_utils.augmentation import augment
from fundus_utils.quiet import keras
from fundus_utils.training.fingerprint import fingerprint_of, name_of, network_fingerprint, versions

layers = keras.layers
GAMMA = 2.0


def focal(gamma):
    """Return a loss that closes over gamma."""

    def loss(truth, prediction):
        return (1 - prediction) ** gamma * truth

    return loss


def with_default(truth, prediction, gamma=1):
    return prediction**gamma * truth


def scaled(truth, prediction, *, factor):
    return factor * truth * prediction


class Focal(keras.losses.Loss):
    """A loss whose get_config does not know its gamma."""

    def __init__(self, gamma):
        super().__init__(name="focal")
        self.gamma = gamma

    def call(self, truth, prediction):
        return (1 - prediction) ** self.gamma * truth


def key(value):
    return storage.key_of(fingerprint_of(value))


PAIRS = {
    "closed over": (focal(1), focal(5)),
    "attribute": (Focal(1), Focal(5)),
    "partial": (functools.partial(scaled, factor=1), functools.partial(scaled, factor=2)),
    "setting of Keras": (
        keras.losses.BinaryCrossentropy(label_smoothing=0.0),
        keras.losses.BinaryCrossentropy(label_smoothing=0.1),
    ),
    "array": (
        functools.partial(scaled, factor=np.ones(3)),
        functools.partial(scaled, factor=np.zeros(3)),
    ),
    "function": (augment, with_default),
    "lambda": ((lambda a, b: a - b), (lambda a, b: a + b)),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_another_loss_or_augmentation_has_another_identity(pair):
    one, other = pair
    assert key(one) == key(one)
    assert key(one) != key(other)


def test_the_same_loss_made_twice_has_one_identity():
    assert key(focal(2)) == key(focal(2))
    assert key(Focal(2)) == key(Focal(2))
    assert key(keras.losses.MeanSquaredError()) == key(keras.losses.MeanSquaredError())


def test_a_changed_default_or_constant_shows(monkeypatch):
    before = key(with_default)
    monkeypatch.setattr(with_default, "__defaults__", (3,))
    assert key(with_default) != before

    def with_constant(truth, prediction):
        return GAMMA * truth

    before = key(with_constant)
    monkeypatch.setitem(globals(), "GAMMA", 5.0)
    assert key(with_constant) != before


WEIGHTS = (1, 5)


def weighted(truth, prediction):
    def one(value):
        return value * WEIGHTS[1]

    return one(truth) * prediction


def test_a_table_that_an_inner_function_reads_shows(monkeypatch):
    before = key(weighted)
    monkeypatch.setitem(globals(), "WEIGHTS", (1, 500))
    assert key(weighted) != before


def typed(factor):
    """Return a loss class as a notebook defines it: its source is in no file."""
    scope = {"keras": keras, "__name__": "__main__"}
    exec(
        "class Mine(keras.losses.Loss):\n"
        "    def call(self, truth, prediction):\n"
        f"        return {factor} * truth * prediction\n",
        scope,
    )
    return scope["Mine"]()


def test_a_class_typed_into_a_notebook_is_told_by_what_it_does():
    assert key(typed(1)) == key(typed(1))  # also though Keras numbers their names
    assert key(typed(1)) != key(typed(2))


def weighing(weights, factor):
    """Return a loss class whose numbers stand in its class, one of them in a static method."""

    class Weighing:
        WEIGHTS = weights

        @staticmethod
        def scaled(value):
            return value * factor

        def __call__(self, truth, prediction):
            return self.scaled(truth * prediction) * self.WEIGHTS[0]

    return Weighing()


@pytest.mark.parametrize("other", [((1, 3), 1), (np.array([1, 2]), 1), ((1, 2), 5)])
def test_what_stands_in_a_class_shows(other):
    assert key(weighing((1, 2), 1)) == key(weighing((1, 2), 1))
    assert key(weighing((1, 2), 1)) != key(weighing(*other))


def test_a_module_of_the_readers_shows(tmp_path, monkeypatch):
    file = tmp_path / "readers_helpers.py"
    monkeypatch.syspath_prepend(tmp_path)
    keys = []
    for factor in (1, 2):
        file.write_text(f"def blur(x):\n    return {factor} * x\n", encoding="utf-8")
        monkeypatch.setitem(globals(), "HELPERS", importlib.import_module("readers_helpers"))
        keys.append(key(through_a_module))
    assert keys[0] != keys[1]


def through_a_module(truth, prediction):
    return HELPERS.blur(truth) * prediction  # noqa: F821 - set by the test


def test_numbers_of_numpy_and_tensors_are_values():
    def closed(value):
        return lambda truth, prediction: value * truth

    for one, other in ((np.float32(0.3), np.float32(0.7)), ({1, 2}, {1, 3})):
        assert key(closed(one)) != key(closed(other))
    tensors = [keras.ops.convert_to_tensor([value]) for value in (0.3, 0.7)]
    assert key(closed(tensors[0])) != key(closed(tensors[1]))


def test_a_set_in_the_code_is_the_same_in_every_process():
    call = (
        "from fundus_utils import storage\n"
        "from fundus_utils.training.fingerprint import fingerprint_of\n"
        "def loss(a, b): return a if a in {'alpha', 'beta', 'gamma'} else b\n"
        "print(storage.key_of(fingerprint_of(loss)))"
    )
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", call],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_a_loss_given_by_name_keeps_its_name():
    assert name_of("binary_crossentropy") == "binary_crossentropy"


def own(activation="relu", width=4, kernel=3, name="own"):
    inputs = keras.Input((None, None, 1))
    x = layers.Conv2D(width, kernel, padding="same", activation=activation)(inputs)
    x = layers.Conv2D(width, 3, padding="same")(x)
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs, name=name)


def network_key(model):
    return storage.key_of(network_fingerprint(model))


def test_a_network_built_twice_has_one_identity():
    assert network_key(unet.compact_unet(2, 2)) == network_key(unet.compact_unet(2, 2))
    assert network_key(own(name=None)) == network_key(own(name=None))
    article = functools.partial(unet.original_unet, None, 2)
    assert network_key(article()) == network_key(article())


@pytest.mark.parametrize("change", [{"activation": "elu"}, {"width": 5}, {"kernel": 5}])
def test_another_network_of_the_same_name_has_another_identity(change):
    assert network_key(own()) != network_key(own(**change))


def test_relu_and_elu_have_the_same_number_of_parameters_and_yet_differ():
    relu = own()
    elu = own(activation="elu")
    assert (relu.name, relu.count_params()) == (elu.name, elu.count_params())
    assert network_key(relu) != network_key(elu)


def test_where_a_skip_leads_is_part_of_the_identity():
    def joined(swap):
        inputs = keras.Input((None, None, 1))
        one = layers.Conv2D(2, 3, padding="same")(inputs)
        two = layers.Conv2D(2, 1)(inputs)
        both = layers.Concatenate()([two, one] if swap else [one, two])
        return keras.Model(inputs, layers.Conv2D(1, 1)(both), name="joined")

    assert network_key(joined(False)) != network_key(joined(True))


def test_versions_name_what_trains():
    found = versions()
    assert {"tensorflow", "keras", "numpy", "fundus-utils", "python"} <= set(found)


def test_numbers_of_another_precision_are_another_network():
    def of(dtype):
        inputs = keras.Input((None, None, 1))
        outputs = layers.Conv2D(1, 1, dtype=dtype)(inputs)
        return keras.Model(inputs, outputs, name="own")

    assert network_key(of("float32")) != network_key(of("float64"))


def test_a_readers_own_layer_is_told_by_what_it_does():
    def of(factor):
        class Times(layers.Layer):
            def call(self, images):
                return factor * images

        inputs = keras.Input((None, None, 1))
        return keras.Model(inputs, Times()(inputs), name="own")

    assert network_key(of(2.0)) == network_key(of(2.0))
    assert network_key(of(2.0)) != network_key(of(3.0))
