# SPDX-License-Identifier: MIT
"""The one way in which the runner refuses."""


class RunnerError(Exception):
    """What is wrong, and what to do about it: shown to the user without a traceback."""
