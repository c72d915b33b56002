"""`python -m embedded_kafka`: what is asked of the process while it is still starting counts too."""

from embedded_kafka.interruption import begin
from runtime.process import end

if __name__ == "__main__":
    stop = begin("embedded_kafka")
    from embedded_kafka.foreground import main

    end(main(stop))
