# corrin as a service: the page, the HTTP API and the clinic's hooks. For education and research; not a medical device.
#
#   docker build -t corrin .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:8765:8765 -e CORRIN_TOKEN="$(python3 -c 'import secrets; print(secrets.token_urlsafe())')" corrin
#
# It answers to localhost; a further name is told with `serve --host 0.0.0.0 --allow-host corrin.clinic.example`. TLS is the task of the
# proxy before it. The compiled model is made for the processor that builds: elsewhere it is compiled in memory at the first forecast.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/corrin
COPY requirements-serve.lock ./
RUN /opt/corrin/bin/pip install --require-hashes -r requirements-serve.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
RUN /opt/corrin/bin/pip install --no-deps .

FROM python:3.11-slim-bookworm
ENV PATH=/opt/corrin/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    CORRIN_CACHE_DIR=/var/cache/corrin \
    CORRIN_LOG=json
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin corrin \
    && install -d -o corrin -g corrin -m 0700 /var/cache/corrin
COPY --from=build /opt/corrin /opt/corrin
USER 10001
WORKDIR /tmp
RUN ["corrin", "warm"]
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/health', timeout=4)"]
ENTRYPOINT ["corrin"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8765"]
