"""`python -m embedded_kafka`: handles signals first, so that Ctrl-C works while the rest is imported."""

from embedded_kafka.interruption import begin
from runtime.process import end

if __name__ == "__main__":
    stop = begin("embedded_kafka")
    from embedded_kafka.foreground import main

    end(main(stop))
