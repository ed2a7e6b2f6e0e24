"""Every action of the window once: its words, keys, icon and place.

Menus, shortcuts, the command palette and the list of keys are all made from this table; the
window says what each action does, by its name.
"""

from typing import NamedTuple


class Action(NamedTuple):
    """Something a person can do."""

    name: str  # of the window's method
    title: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    help: str = ""
    rule: bool = False  # a line above it in its menu


DIGITS = (("1 … 9", "Go back to a snapshot"), ("Ctrl+1 … 9", "Keep the present as a snapshot"))
MENUS = ("File", "Edit", "View", "Run", "Map", "Help")

ACTIONS = (
    Action("new_session", "New session", "File", ("Ctrl+N",), "file"),
    Action("open_session", "Open…", "File", ("Ctrl+O",), "folder-open"),
    Action("open_file", "Open point cloud…", "File", (), "cube"),
    Action("save_session", "Save", "File", ("Ctrl+S",), "floppy-disk", rule=True),
    Action("save_session_as", "Save as…", "File", ("Ctrl+Shift+S",), "floppy-disk"),
    Action("export_figure", "Export figure…", "File", ("Ctrl+E",), "export", rule=True),
    Action("export_video", "Export video…", "File", ("Ctrl+Shift+E",), "film-strip"),
    Action("export_points", "Export points…", "File", (), "circles-four"),
    Action("quit", "Quit", "File", ("Ctrl+Q",), "x", rule=True),
    Action("undo", "Undo", "Edit", ("Ctrl+Z",), "arrow-u-up-left"),
    Action("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "arrow-u-up-right"),
    Action("copy_view", "Copy view", "Edit", ("Ctrl+C",), "camera", rule=True),
    Action("copy_data", "Copy its data", "Edit", ("Ctrl+Shift+C",), "copy"),
    Action("copy_caption", "Copy a caption", "Edit", (), "copy"),
    Action(
        "reset_parameters",
        "Parameters to the preset",
        "Edit",
        ("Ctrl+R",),
        "arrow-counter-clockwise",
        rule=True,
    ),
    Action("randomise", "Randomise parameters", "Edit", (), "dice-five"),
    Action("filter_parameters", "Filter parameters", "Edit", ("Ctrl+F",), "magnifying-glass"),
    Action("reset_camera", "Reset the camera", "View", ("Home", "0"), "house"),
    Action("toggle_theory", "Theory overlay", "View", ("T",), "eye", checkable=True),
    Action("toggle_density", "Density picture", "View", (), "drop-half", checkable=True),
    Action("toggle_trails", "Trails of some particles", "View", (), "path", checkable=True),
    Action("toggle_flow", "Velocity field", "View", (), "wind", checkable=True),
    Action("toggle_medoids", "Medoids", "View", (), "asterisk", checkable=True),
    Action("more_medoids", "More medoids", "View", (), "plus"),
    Action("fewer_medoids", "Fewer medoids", "View", (), "minus"),
    Action("toggle_coarse", "Coarse density", "View", (), "grid-four", checkable=True),
    Action("toggle_box", "Box", "View", (), "frame-corners", checkable=True),
    Action("toggle_repeats", "Periodic images", "View", (), "squares-four", checkable=True),
    Action("next_theme", "Light, dark or contrast", "View", ("Ctrl+Shift+T",), "moon", rule=True),
    Action("larger", "Larger interface", "View", ("Ctrl+=", "Ctrl++"), "plus"),
    Action("smaller", "Smaller interface", "View", ("Ctrl+-",), "minus"),
    Action("usual_size", "Usual interface size", "View", ("Ctrl+0",), "magnifying-glass"),
    Action(
        "toggle_docks", "Hide or show the panels", "View", ("Tab", "H"), "squares-four", rule=True
    ),
    Action("next_dock", "Next panel", "View", ("F6",), "caret-right"),
    Action("previous_dock", "Previous panel", "View", ("Shift+F6",), "caret-left"),
    Action("reset_layout", "Reset the layout", "View", (), "frame-corners"),
    Action("full_screen", "Full screen", "View", ("F11", "F"), "corners-out", checkable=True),
    Action("play_or_pause", "Play or pause", "Run", ("Space",), "play-fill"),
    Action("step_forward", "One step forward", "Run", (".",), "caret-right"),
    Action("step_back", "One step back", "Run", (",",), "caret-left"),
    Action("faster", "Faster", "Run", ("+", "="), "plus"),
    Action("slower", "Slower", "Run", ("-",), "minus"),
    Action("restart", "Restart, same seed", "Run", ("R",), "arrow-counter-clockwise", rule=True),
    Action("restart_new_seed", "Restart, new seed", "Run", ("Shift+R",), "dice-five"),
    Action("go_back", "Back to the last good state", "Run", (), "clock-counter-clockwise"),
    Action("show_past", "Branches and memory", "Run", (), "git-branch"),
    Action(
        "compare", "A/B with the same noise", "Run", ("A",), "columns", checkable=True, rule=True
    ),
    Action(
        "toggle_wipe", "A and B under a wipe", "Run", ("Shift+A",), "arrows-out-line-horizontal"
    ),
    Action("draw_path", "Draw a path for the run", "Map", ("P",), "path"),
    Action("zoom_back", "Look from farther back", "Map", ("Alt+Left",), "arrow-left", rule=True),
    Action("zoom_forward", "Look closer again", "Map", ("Alt+Right",), "arrow-right"),
    Action("whole_map", "The whole map", "Map", (), "corners-out"),
    Action("find_critical_point", "Find the critical point", "Map", (), "crosshair", rule=True),
    Action("toggle_ghosts", "Ghost ensemble", "Map", (), "ghost", checkable=True),
    Action("refill_map", "Fill the map again", "Map", (), "map-trifold", rule=True),
    Action("show_keys", "All keys", "Help", ("?", "F1"), "question"),
    Action("open_palette", "Command palette", "Help", ("Ctrl+K",), "command"),
    Action("copy_debug", "Copy facts for a bug report", "Help", (), "copy"),
    Action("about_system", "About this system", "Help", (), "info", rule=True),
)
