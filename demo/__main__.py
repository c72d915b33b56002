"""`python -m demo`: what is asked of the process while it is still starting counts too."""

import sys

from embedded_kafka.interruption import begin
from runtime.process import end

if __name__ == "__main__":
    if sys.stdout is None:
        sys.exit("demo: standard output is closed: there is nowhere to show what happens")
    stop = begin("demo")
    from demo.command import main

    end(main(stop))
