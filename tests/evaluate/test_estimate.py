import math

import numpy as np
import pytest

from deepgray.errors import InputError
from deepgray.evaluate import Estimate
from deepgray.evaluate.estimate import all_equal, is_rounding, undefined


def test_a_number_may_be_undefined_with_a_reason_only() -> None:
    assert undefined("no data").reason == "no data"
    assert math.isnan(undefined("no data").value)
    with pytest.raises(InputError, match="A reason is wanted"):
        Estimate(1.0, math.nan, 2.0)


def test_rounding_is_no_spread() -> None:
    assert all_equal(np.array([0.3, 0.1 + 0.2]))
    assert not all_equal(np.array([0.3, 0.3001]))
    assert all_equal(np.zeros(2))
    assert is_rounding(1e-13, np.array([1.0, -2.0]))
    assert not is_rounding(1e-13, np.array([1e-3]))
