"""`python -m rules`: handles signals first, so that Ctrl-C works while the rest is imported."""

from rules import EXIT_STOPPED
from runtime.process import begin

if __name__ == "__main__":
    process = begin("rules", exit_unstarted=EXIT_STOPPED)
    process.stop.outlives_its_reader = True  # what it has been told to change counts, even if nobody reads the answer
    from rules.command import main

    main(process)
