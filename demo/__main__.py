"""`python -m demo`: handles signals first, so that Ctrl-C works while the rest is imported."""

import sys

from embedded_kafka.interruption import begin
from runtime.process import end

if __name__ == "__main__":
    if sys.stdout is None:
        sys.exit("demo: standard output is closed: there is nowhere to show what happens")
    stop = begin("demo")
    from demo.foreground import main

    end(main(stop))
