# One target for each service:  docker build --target generator .   docker build --target detector .   (or audit, rules)

FROM python:3.13-slim AS base
WORKDIR /app
# The dependencies are a layer of their own, made again only when their lock changes.
COPY requirements/run.txt requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --requirement requirements/run.txt
COPY messaging messaging
COPY payments payments
COPY runtime runtime
# The loop touches this file; /tmp has to be writable (a tmpfs where the root file system is read-only).
ENV HEALTH_FILE=/tmp/health
# A start has two minutes to succeed; after it, unhealthy is a loop that stood still for 15 s, seen twice.
HEALTHCHECK --interval=5s --timeout=20s --start-period=120s --retries=2 CMD ["python", "-m", "runtime.health"]

FROM base AS generator
LABEL org.opencontainers.image.title="generator" \
      org.opencontainers.image.description="Makes random transactions and sends them to Kafka at a steady rate"
COPY generator generator
# Readable whatever the checkout's umask, and compiled, because the user below cannot write here.
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001
CMD ["python", "-m", "generator"]

FROM base AS detector
LABEL org.opencontainers.image.title="detector" \
      org.opencontainers.image.description="Judges transactions, each exactly once: fraud to one topic, the rest to another"
COPY decision decision
COPY detector detector
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001
CMD ["python", "-m", "detector"]

FROM base AS audit
LABEL org.opencontainers.image.title="audit" \
      org.opencontainers.image.description="Checks that every transaction was judged once, rightly and in its order"
COPY decision decision
COPY audit audit
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001
# It runs to its end; nothing watches it meanwhile.
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "audit"]

FROM base AS rules
LABEL org.opencontainers.image.title="rules" \
      org.opencontainers.image.description="Shows the detectors' rules, and changes them while they judge"
COPY decision decision
COPY rules rules
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "rules"]

# What makes a cluster secure; runs to its end before the services start (docker-compose.secure.yml).
FROM base AS provisioning
LABEL org.opencontainers.image.title="provisioning" \
      org.opencontainers.image.description="Makes keys, passwords, users, topics and ACLs"
COPY requirements/provisioning.txt requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --requirement requirements/provisioning.txt
COPY provisioning provisioning
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "provisioning"]
