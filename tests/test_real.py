"""Real photographs, wherever they are: `FUNDUS_DATA=... make test-real`."""

import numpy as np
import pytest

from fundus_utils.data import SOURCES, load_set
from fundus_utils.errors import FundusError
from fundus_utils.evaluation import measures
from fundus_utils.exploration import vessel_share
from fundus_utils.photograph import find_fov
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

pytestmark = pytest.mark.real
REAL = [name for name in SOURCES if name not in ("synthetic", "folder")]


def real(name, part="all"):
    try:
        return load_set(name, part)
    except FundusError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", REAL)
def test_every_sample_is_sound(name):
    shares = []
    for sample in real(name):
        assert sample.photograph.dtype == np.uint8 and sample.photograph.ndim == 3
        assert sample.label.shape == sample.fov.shape == sample.photograph.shape[:2]
        # Known to three decimals; the lowest here is 0.9937, CHASE_DB1 Image_06L.
        assert round(sample.label[sample.fov].sum() / sample.label.sum(), 3) >= 0.994
        shares.append(vessel_share(sample))
    assert min(shares) > 0.05
    assert max(shares) < 0.2
    assert 0.08 < np.mean(shares) < 0.14


@pytest.mark.parametrize("name", ["drive", "hrf"])
def test_derived_masks_agree_with_shipped_ones(name):
    for sample in real(name)[:5]:
        assert (find_fov(sample.photograph) == sample.fov).mean() > 0.98


@pytest.mark.parametrize("name", REAL)
def test_train_and_test_share_no_patient(name):
    train = real(name, "train")
    test = real(name, "test")
    assert not set(train.patients) & set(test.patients)


def test_the_shipped_model_finds_the_vessels_of_chase_db1():
    sample = real("chase_db1", "test")[0]
    trained = load_model()
    probability = predict_map(trained, sample.photograph, sample.fov)
    found = measures(sample.label[sample.fov], probability[sample.fov], trained.threshold)
    assert found["auc"] > 0.96
    assert found["dice"] > 0.7
