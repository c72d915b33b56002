"""`python -m audit`: handles signals first, so that Ctrl-C works while the rest is imported."""

from runtime.process import begin

EXIT_NOT_MADE = 4  # so that 1 means only that the audit failed

if __name__ == "__main__":
    process = begin("audit", EXIT_NOT_MADE, EXIT_NOT_MADE)
    process.stop.outlives_its_reader = True  # until it is known what is asked of it
    from audit.service import main

    main(process)
