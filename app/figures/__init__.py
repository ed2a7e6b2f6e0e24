"""Figures, videos and thumbnails: drawn again from frames, without a window."""
