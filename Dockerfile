# One image for every role: `lapse worker`, `lapse topics`, … Not built on the machine where this was written (no Docker
# there); tests/cli/test_compose.py holds it against the code.
FROM python:3.12.8-slim-bookworm

RUN useradd --create-home --uid 10001 lapse
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY stream ./stream
RUN pip install --no-cache-dir --disable-pip-version-check .

USER lapse
WORKDIR /home/lapse
ENV NUMBA_CACHE_DIR=/home/lapse/.cache/numba
# compile once, here, so that a worker starts at once (on another make of processor it compiles again)
RUN echo '{"id":"1","type":"session","customer_id":"1","time":"2026-01-01T00:00:00Z"}' | lapse backtest - --out warm \
    && rm -r warm

EXPOSE 9464
ENTRYPOINT ["lapse"]
CMD ["--help"]
