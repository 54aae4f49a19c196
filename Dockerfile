FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ebbtide.example.yml ./
COPY alertmanager alertmanager
COPY snmp snmp
COPY veeam veeam
COPY systemd systemd
COPY grafana/dashboards grafana/dashboards
COPY grafana/provisioning grafana/provisioning
COPY grafana/smoke.py grafana/ldap.toml grafana/
COPY rules rules
COPY exporter exporter
RUN python -m venv /opt/ebbtide && /opt/ebbtide/bin/pip install --no-cache-dir .

FROM python:3.13-slim
# A number and no name: Kubernetes can tell only from a number that it is not root.
RUN install -d -o 10001 -g 10001 /var/lib/ebbtide
COPY --from=build /opt/ebbtide /opt/ebbtide
ENV PATH=/opt/ebbtide/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 STATE_DIRECTORY=/var/lib/ebbtide
USER 10001:10001
# All that is ever written: history and ledger. The root file system may be read-only.
VOLUME /var/lib/ebbtide
EXPOSE 9877
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9877/-/healthy', timeout=4)"]
ENTRYPOINT ["ebbtide"]
CMD ["serve", "--config", "/etc/ebbtide/ebbtide.yml"]
