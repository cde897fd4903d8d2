# The image of all Python and Spark services in docker-compose.yml. See docs/how-to/containers.md.
FROM python:3.11-slim-bookworm AS java
# Debian's Java packages need a folder that slim images do not have.
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/*


FROM java AS build
# Use the system's certificates, as pip does, because a network may have a private certificate authority.
ENV UV_SYSTEM_CERTS=1 UV_NO_CACHE=1 VIRTUAL_ENV=/opt/opengenome PATH=/opt/opengenome/bin:$PATH
WORKDIR /build
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check \
      "$(grep -o '^uv==[0-9.]*' requirements.lock)" "$(grep -o '^setuptools==[0-9.]*' requirements.lock)" \
 && python -m venv --without-pip "$VIRTUAL_ENV"
COPY deployment/requirements.lock deployment/
RUN uv pip install --compile-bytecode --require-hashes -r deployment/requirements.lock
COPY pyproject.toml README.md ./
COPY opengenome_assets opengenome_assets
RUN uv build --quiet --wheel --no-build-isolation --python /usr/local/bin/python --out-dir dist . \
 && uv pip install --compile-bytecode --no-deps dist/*.whl
# Saves seconds at every start of a Spark driver.
RUN NUMBA_CACHE_DIR=/tmp/numba python -m opengenome_assets.spark.class_archive


FROM java
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp opengenome \
 && mkdir -p /data /results /var/lib/opengenome \
 && chown opengenome: /results /var/lib/opengenome
COPY --from=build /opt/opengenome /opt/opengenome
COPY deployment/dagster.yaml deployment/workspace.yaml /opt/dagster/
COPY deployment/spark-defaults.conf /opt/spark/conf/
# The root file system may be read-only: temporary files are in /tmp, permanent files in the two volumes.
ENV PATH=/opt/opengenome/bin:$PATH \
    SPARK_HOME=/opt/opengenome/lib/python3.11/site-packages/pyspark \
    SPARK_CONF_DIR=/opt/spark/conf \
    SPARK_LOCAL_DIRS=/tmp/spark \
    SPARK_WORKER_DIR=/tmp/spark-worker \
    DAGSTER_HOME=/opt/dagster \
    DAGSTER_DISABLE_TELEMETRY=yes \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HF_HOME=/var/lib/opengenome/hub \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER opengenome
WORKDIR /tmp
CMD ["opengenome", "--help"]
