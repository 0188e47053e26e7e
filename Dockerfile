# litmine with everything it needs to annotate on a CPU or, given --gpus all, on NVIDIA GPUs.
# Untried: written without a Docker daemon at hand, never built. Please report what it needs.
#
#   docker build -t litmine .
#   docker run --rm -v "$PWD/lake:/data/lake" -v "$PWD/inbox:/data/inbox:ro" litmine import inbox
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 litmine && mkdir /data && chown litmine:litmine /data

WORKDIR /src
COPY . .
RUN pip install --no-cache-dir -c constraints.txt .

USER litmine
WORKDIR /data
ENV LITMINE_LAKE=/data/lake
ENTRYPOINT ["litmine"]
CMD ["--help"]
