# One recipe for every service:  docker build --build-arg SERVICE=gateway .
# The image holds one service, libs/common, and what requirements/<service>.lock pins for them.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder
WORKDIR /source
ENV PIP_CACHE_DIR=/cache/pip UV_CACHE_DIR=/cache/uv
COPY requirements/bootstrap.lock requirements/
RUN --mount=type=cache,target=/cache/pip \
    pip install --disable-pip-version-check --root-user-action=ignore --require-hashes \
    --requirement requirements/bootstrap.lock
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy VIRTUAL_ENV=/app
ARG SERVICE
COPY requirements/${SERVICE}.lock requirements/
RUN --mount=type=cache,target=/cache/uv \
    uv venv --quiet /app && \
    uv pip install --quiet --compile-bytecode --require-hashes \
    --requirement requirements/${SERVICE}.lock
COPY libs/common libs/common
COPY services/${SERVICE} services/${SERVICE}
RUN --mount=type=cache,target=/cache/uv \
    uv pip install --quiet --compile-bytecode --no-deps --no-sources ./libs/common ./services/${SERVICE}

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin runner
COPY --from=builder /app /app
ARG SERVICE
ENV PATH=/app/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    SERVICE=${SERVICE} \
    LOG_FORMAT=json \
    HOST=0.0.0.0 \
    HEALTH_HOST=0.0.0.0 \
    HEALTH_PORT=8080
USER runner
WORKDIR /tmp
# the shell is replaced, so that the service itself receives SIGTERM
CMD ["sh", "-c", "exec \"$SERVICE\""]
