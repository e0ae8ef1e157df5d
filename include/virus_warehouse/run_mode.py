"""The modes of a run, in the ledger and in requests."""

INCREMENTAL, WINDOW, FULL, REPLAY = MODES = ("incremental", "window", "full", "replay")
"""Modes in the ledger. A replay reads the quarantine again and sends no request."""

CENSUS = "census"
"""Can only be requested: a full load that also finds the missing records."""

REQUESTABLE = (INCREMENTAL, WINDOW, FULL, CENSUS, REPLAY)
