#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw the figure of the README: a hit, a burst, an overflow and a hand-over beside every peer."""

from __future__ import annotations

import pathlib

import campaign as results
import ratios
import style
from campaign import SUBJECT, Case

NAME = "overview"
TITLE = "In short"
CAPTION = ratios.CAPTION
CASES = (Case("pool", 1), Case("burst_16", 1), Case("pool_overflow", 1), Case("producer_consumer", 2))


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    return ratios.draw(campaign, [case for case in CASES if campaign.time(case, SUBJECT)])


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
