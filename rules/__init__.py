"""The command line for rules: shows them, changes them while detectors judge, and tells who changed what."""
