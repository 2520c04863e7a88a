# The service, its worker and its shell in one image: `docker run … zhirong serve|worker|migrate`.
# It expects an external PostgreSQL; the embedded one is for laptops and demonstrations.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/zhirong
ENV PATH=/opt/zhirong/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements requirements
RUN pip install --require-hashes -r requirements/runtime.txt
# What building needs stays out of the environment that is copied.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/build.txt
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && pip install --no-deps --no-index /dist/zhirong-*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin zhirong \
    && install --directory --owner zhirong --group zhirong --mode 0700 /data
COPY --from=build /opt/zhirong /opt/zhirong
ENV PATH=/opt/zhirong/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ZHIRONG_HOST=0.0.0.0 \
    ZHIRONG_PORT=8000 \
    ZHIRONG_DATA_DIR=/data
USER zhirong
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['ZHIRONG_PORT']}/health\", timeout=4)"]
CMD ["zhirong", "serve"]
