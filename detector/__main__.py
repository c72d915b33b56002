"""`python -m detector`: handles signals first, so that Ctrl-C works while the rest is imported."""

from runtime.process import begin

if __name__ == "__main__":
    process = begin("detector")
    from detector.service import main

    main(process)
