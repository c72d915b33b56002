"""`python -m detector`: what is asked of the process while it is still starting counts too."""

from runtime.process import begin

if __name__ == "__main__":
    process = begin("detector")
    from detector.service import main

    main(process)
