# The image of every bearwatch process, with or without CUDA: locked packages without torch, the model inside, no root, no shell needed.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
# `--build-arg CUDA=1` (any value) adds CUDA's libraries; the host brings NVIDIA's driver.
ARG CUDA=
COPY requirements-build.txt requirements.txt requirements-cuda.txt ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-build.txt \
    && python -m venv /opt/bearwatch \
    && uv pip install --no-cache --python /opt/bearwatch/bin/python --require-hashes \
        -r "requirements${CUDA:+-cuda}.txt"
COPY pyproject.toml README.md LICENSE ./
COPY bearwatch bearwatch
COPY models models
COPY training training
COPY stream stream
COPY alerting alerting
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && uv pip install --no-cache --python /opt/bearwatch/bin/python --no-deps /wheels/*.whl

FROM python:3.11.13-slim-bookworm
RUN useradd --system --uid 10001 --create-home bearwatch && mkdir /data && chown bearwatch /data
COPY --from=build /opt/bearwatch /opt/bearwatch
ENV PATH=/opt/bearwatch/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER bearwatch
WORKDIR /home/bearwatch
ENTRYPOINT ["bearwatch"]
