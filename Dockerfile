# litmine with everything it needs, its models included, for a CPU or for NVIDIA GPUs. Untried: it was written without a
# Docker daemon at hand, and never built; docs/clusters.md says what of it was checked. Please report what it needs.
#
#   docker build -t litmine:cpu .
#   docker build -t litmine:cuda --target cuda .
#   docker run --rm -v "$PWD/lake:/data/lake" -v "$PWD/inbox:/data/inbox:ro" litmine:cpu import inbox
#   docker run --rm --gpus all -v "$PWD/lake:/data/lake" litmine:cuda annotate --gpus 1
#
# The lake's folder has to be writable for user 1000, or add: --user "$(id -u):$(id -g)".

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=/src/constraints.txt
WORKDIR /src
COPY constraints.txt ./
RUN python -m venv /opt/litmine

# What is large and seldom changes comes first. PyPI's torch brings CUDA with it, this one does not.
FROM build AS build-cpu
RUN /opt/litmine/bin/pip install --index-url https://download.pytorch.org/whl/cpu torch
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY litmine litmine
COPY schemas schemas
COPY jobs jobs
COPY sample_data sample_data
RUN /opt/litmine/bin/pip install .

FROM build AS build-cuda
RUN /opt/litmine/bin/pip install torch
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY litmine litmine
COPY schemas schemas
COPY jobs jobs
COPY sample_data sample_data
RUN /opt/litmine/bin/pip install .

FROM python:3.11-slim-bookworm AS run
RUN useradd --create-home --uid 1000 litmine \
    && install --directory --owner=litmine --group=litmine /data /data/lake /data/home
ENV PATH=/opt/litmine/bin:$PATH LITMINE_LAKE=/data/lake LITMINE_HOME=/data/home RAY_USAGE_STATS_ENABLED=0
USER 1000
WORKDIR /data
ENTRYPOINT ["litmine"]
CMD ["--help"]

FROM run AS cuda
COPY --from=build-cuda /opt/litmine /opt/litmine

# The last one is what is built without --target.
FROM run AS cpu
COPY --from=build-cpu /opt/litmine /opt/litmine
