"""The command line for rules: shows them, changes them while detectors judge, and tells who changed what."""

EXIT_STOPPED = 130  # of a command, 0 would say that it was done
