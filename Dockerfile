# Builds one image for all processes of the system; docker-compose.yml defines which process a container runs.

FROM python:3.13-slim-trixie AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/packages
# `models` also installs what a provider that calls a model needs.
ARG REQUIREMENTS=base
COPY requirements/${REQUIREMENTS}.txt /tmp/requirements.txt
# Installs only locked files, by hash. The image has no compiler: a package without a wheel must be pure Python.
RUN /opt/packages/bin/pip install --require-hashes --requirement /tmp/requirements.txt

FROM python:3.13-slim-trixie
# /var/lib/thoughts is the only directory in which a process may store files (beat does); volumes inherit its owner.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent thoughts \
    && install --directory --owner=thoughts --group=thoughts /var/lib/thoughts
COPY --from=packages /opt/packages /opt/packages
WORKDIR /app
# The code is owned by root, so that the processes cannot change it.
COPY . .
RUN /opt/packages/bin/python -m compileall -q .
ENV PATH=/opt/packages/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
