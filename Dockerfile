# The companion's environment on Debian, for an unprivileged user:
#   docker build --tag atomicvad .
#   docker run --rm atomicvad make article
#   docker run --rm --volume "$PWD/runs:/home/reader/atomicvad/runs" atomicvad make reproduce
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc git libc++1 libc6-dev make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 reader \
 && install --directory --owner reader --group reader /home/reader/atomicvad

USER reader
WORKDIR /home/reader/atomicvad

# The pinned packages first: an edit of the code does not fetch them again.
COPY --chown=reader requirements.lock ./
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.lock

COPY --chown=reader . .
RUN make .venv/.ready

CMD ["make", "help"]
