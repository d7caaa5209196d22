# SPDX-License-Identifier: MIT
"""The parts of bench/run.py, bottom to top: errors, provenance, programs, campaign, session, result, tables."""
