"""`python -m embedded_kafka`. Takes the signals over first: Ctrl-C counts while the rest is imported."""

from embedded_kafka.interruption import begin
from runtime.process import end

if __name__ == "__main__":
    stop = begin("embedded_kafka")
    from embedded_kafka.foreground import main

    end(main(stop))
