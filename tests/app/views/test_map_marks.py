"""What stands on the cells of a phase diagram."""

import numpy as np
import pyqtgraph as pg

from app.views.map_marks import RimmedLine, line_pens


def test_a_boundary_that_is_a_point_is_a_dot(qapp):
    line = RimmedLine(pg.PlotItem(), line_pens("continuous", 1.0))
    gap = np.nan
    line.set(np.array([1.0, 2.0, gap, 4.0, gap]), np.array([0.0, 0.0, 0.0, 3.0, 0.0]))
    np.testing.assert_array_equal(line._dots.getData(), [[4.0], [3.0]])
    line.set(np.array([1.0, 2.0]), np.zeros(2))
    assert not len(line._dots.getData()[0])
