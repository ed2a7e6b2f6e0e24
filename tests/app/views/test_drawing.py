"""What is sent to the graphics card."""

import numpy as np
from vispy import gloo

from app.views import shaders
from app.views.drawing import Program


def sent(program, kind):
    return [command for command in program.glir._shared._commands if command[0] == kind]


def test_a_program_tells_the_card_only_what_has_changed():
    program = Program(shaders.STROKE, shaders.STROKE_EDGE)
    matrix = np.eye(4, dtype=np.float32)
    for _ in range(3):
        program["width"], program["plain"], program["project"] = 1.5, (0.1, 0.2, 0.3), matrix.copy()
    assert len(sent(program, "UNIFORM")) == 3
    program["width"] = 2.0
    matrix[0, 3] = 0.5
    program["project"] = matrix
    names = [command[2] for command in sent(program, "UNIFORM")]
    assert sorted(names) == ["plain", "project", "project", "width", "width"]
    assert sent(program, "UNIFORM")[-1][4].reshape(4, 4)[0, 3] == 0.5


def test_another_buffer_with_the_same_numbers_is_another_buffer():
    program = Program(shaders.STROKE, shaders.STROKE_EDGE)
    one, other = (gloo.VertexBuffer(np.zeros((4, 3), np.float32)) for _ in range(2))
    for buffer in (one, one, other):
        program["tail"] = buffer
    assert len(sent(program, "ATTRIBUTE")) == 2
