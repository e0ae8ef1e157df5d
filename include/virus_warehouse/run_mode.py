"""What a run does, as the ledger names it, and what it can be asked to do."""

INCREMENTAL, WINDOW, FULL, REPLAY = MODES = ("incremental", "window", "full", "replay")
"""What a run is, in the ledger. A replay reads the quarantine again and asks NCBI for nothing."""

CENSUS = "census"
"""What a run can be asked to be besides: a full load that also concludes which records are gone."""

REQUESTABLE = (INCREMENTAL, WINDOW, FULL, CENSUS, REPLAY)
