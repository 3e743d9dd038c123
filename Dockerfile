# One image for every role: `lapse worker`, `lapse topics`, … Not built on the machine where this was written (no Docker
# there); tests/cli/test_compose.py holds it against the code.
FROM python:3.12.8-slim-bookworm

RUN useradd --create-home --uid 10001 lapse
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY stream ./stream
RUN pip install --no-cache-dir --disable-pip-version-check .

# numba keeps its compiled kernel here; made at build time, so that a worker starts at once
ENV NUMBA_CACHE_DIR=/home/lapse/.cache/numba
USER lapse
WORKDIR /home/lapse
RUN lapse doctor

EXPOSE 9464
ENTRYPOINT ["lapse"]
CMD ["--help"]
