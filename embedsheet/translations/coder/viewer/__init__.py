"""A sheet and its code side by side on one self-contained page."""
