# invoice-watcher in a container: docs/install.md, "In a container", says how to run it.
# The base is named once, so that what is built in it runs in it.
ARG BASE=python:3.13-slim-trixie

# --------------------------------------------------------------------------------------------------- built here
FROM ${BASE} AS build

RUN python -m venv /opt/invoice-watcher
WORKDIR /src

# The build tools come first and from a lock too, so that what has no wheel is built without fetching unlocked ones.
COPY requirements-build.lock requirements-run.lock ./
RUN /opt/invoice-watcher/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
    && /opt/invoice-watcher/bin/pip install --no-cache-dir --require-hashes --use-pep517 --no-build-isolation \
        -r requirements-run.lock

COPY pyproject.toml LICENSE README.md ./
COPY watcher watcher
RUN /opt/invoice-watcher/bin/pip install --no-cache-dir --no-build-isolation --no-deps .

# ---------------------------------------------------------------------------------------------------- what runs
FROM ${BASE}

LABEL org.opencontainers.image.title="invoice-watcher" \
      org.opencontainers.image.description="The daemon to which a company forwards its invoices" \
      org.opencontainers.image.licenses="MIT"

# libarchive-tools opens 7z and rar archives; its version is that of the base, which gets security updates.
# The ids are fixed, so that volumes keep their owner from one image to the next.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libarchive-tools \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 invoice-watcher \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/invoice-watcher --no-create-home \
        --shell /usr/sbin/nologin invoice-watcher \
    && install -d -m 700 -o 10001 -g 10001 /var/lib/invoice-watcher \
    && install -d -m 755 /etc/invoice-watcher \
    && install -d -o 10001 -g 10001 /srv/invoices

COPY --from=build /opt/invoice-watcher /opt/invoice-watcher

# {credential: NAME} in the configuration is the secret NAME of the container.
ENV PATH=/opt/invoice-watcher/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    CREDENTIALS_DIRECTORY=/run/secrets

USER 10001:10001
WORKDIR /var/lib/invoice-watcher
VOLUME ["/var/lib/invoice-watcher"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=5m CMD ["invoice-watcher", "ready", "--wait", "0s"]
ENTRYPOINT ["invoice-watcher"]
CMD ["run"]
