"""`python -m detector`: takes the signals over first, so that Ctrl-C counts while the rest is imported."""

from runtime.process import begin

if __name__ == "__main__":
    process = begin("detector")
    from detector.service import main

    main(process)
