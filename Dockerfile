# One image for every role: `serve --role api`, `serve --role mllp`, `worker`, `beat`. See docker-compose.yml.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/tracker-hub
COPY pyproject.toml README.md LICENSE ./
COPY tracker_core tracker_core
COPY terminology terminology
COPY mappings mappings
COPY adapters adapters
COPY hub hub
RUN /opt/tracker-hub/bin/pip install --no-cache-dir ".[celery,icd10,parquet]"

FROM python:3.13-slim
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin tracker-hub
COPY --from=build /opt/tracker-hub /opt/tracker-hub
RUN install -d -o tracker-hub -g tracker-hub /files
ENV PATH=/opt/tracker-hub/bin:$PATH PYTHONUNBUFFERED=1 TRACKER_HUB_LOG=json TRACKER_HUB_HTTP=:8080 TRACKER_HUB_MLLP=:2575
USER 10001:10001
EXPOSE 8080 2575
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["tracker-hub", "health"]
ENTRYPOINT ["tracker-hub"]
CMD ["serve"]
