from __future__ import annotations

import subprocess
import sys

import pytest

from framefold.analyses import UDFS, make_udf
from framefold.errors import ParameterError, UnknownNameError
from framefold.udf import UDF


class TestUDFs:
    """Shipped UDFs by name."""

    @pytest.mark.parametrize("name", UDFS.names())
    def test_every_name_loads(self, name: str) -> None:
        assert issubclass(UDFS.load(name), UDF)

    def test_importing_the_table_does_not_import_numba(self) -> None:
        code = "import sys, framefold.analyses; sys.exit('numba' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestMakeUDF:
    """A UDF from plain parameters, or an error that helps."""

    def test_parameters_arrive(self) -> None:
        com = make_udf("com", {"r": 10, "regression": 1})
        detector = make_udf("virtual_detector", {"shape": "ring", "ri": 1, "ro": 2})

        assert com.params.com_params.r == 10
        assert detector.params.ro == 2
        assert len(make_udf("masks", {"mask_factories": [[[1, 0], [0, 1]]]}).masks) == 1

    def test_a_class_of_ones_own(self) -> None:
        udf = make_udf("framefold.analyses.sum:SumUDF", {"dtype": "float64"})

        assert udf.params.dtype == "float64"

    def test_unknown_name(self) -> None:
        with pytest.raises(UnknownNameError, match="did you mean 'sumsig'"):
            make_udf("sumsigs")

    def test_unknown_parameter(self) -> None:
        with pytest.raises(ParameterError, match="did you mean 'scan_rotation'"):
            make_udf("com", {"rotation": 3})

    def test_missing_parameter(self) -> None:
        with pytest.raises(ParameterError, match="needs the parameter 'mask_factories'"):
            make_udf("masks")

    def test_no_parameters_at_all(self) -> None:
        with pytest.raises(ParameterError, match="it has: none"):
            make_udf("pick", {"roi": 1})
