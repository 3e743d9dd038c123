# One image for every role: `lapse worker`, `lapse desk`, `lapse topics`, … Not built where this was written (no Docker
# there); tests/cli/test_compose.py holds it against the code.

FROM python:3.12.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY stream ./stream
# an environment of its own, to be carried over whole: pip, caches and sources stay behind
RUN python -m venv /opt/lapse \
    && /opt/lapse/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.12.13-slim-bookworm
RUN useradd --create-home --uid 10001 lapse
COPY --from=build /opt/lapse /opt/lapse
ENV PATH=/opt/lapse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/home/lapse/.cache/numba
USER 10001:10001
WORKDIR /home/lapse
# compile once, here, so that a worker starts at once (on another make of processor it compiles again)
RUN echo '{"id":"1","type":"session","customer_id":"1","time":"2026-01-01T00:00:00Z"}' | lapse backtest - --out warm \
    && rm -r warm

# worker, desk
EXPOSE 9464 9474
STOPSIGNAL SIGTERM
ENTRYPOINT ["lapse"]
CMD ["--help"]
