"""Names of lines in figures: beside their line, and on no other words."""

import numpy as np

from app.figures.line_names import _roomiest


WIDE, TALL = 0.3, 0.06
NOTHING = np.empty((0, 4))


def box(middle):
    return np.array([[*middle, WIDE / 2, TALL / 2]])


def test_names_at_one_point_do_not_cover_each_other():
    point, boxes = np.array([[0.5, 0.5]]), NOTHING
    for _ in range(4):
        place = _roomiest(point, point, boxes, WIDE, TALL)
        assert (np.abs(boxes[:, :2] - place) >= (WIDE - 1e-9, TALL - 1e-9)).any(axis=1).all()
        boxes = np.concatenate([boxes, box(place)])


def test_where_words_are_all_around_there_is_no_name():
    point = np.array([[0.5, 0.5]])
    assert _roomiest(point, point, np.array([[0.5, 0.5, 0.5, 0.5]]), WIDE, TALL) is None


def test_a_name_stands_where_others_are_far_from_its_line():
    x = np.linspace(0, 1, 60)
    line = np.stack([x, 0.5 + 0 * x], axis=1)
    # Two others run close above and below it, but for its left end.
    up = np.array([0, 0.12])
    others = np.concatenate([line + up, line - up])
    others = others[others[:, 0] > 0.45]
    boxes = np.concatenate([others, 0 * others], axis=1)
    assert _roomiest(line, line, NOTHING, WIDE, TALL)[0] > 0.6
    assert _roomiest(line, line, boxes, WIDE, TALL)[0] < 0.45 - WIDE / 2
