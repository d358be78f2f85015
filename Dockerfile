# The dashboard for several people, as nobody in particular. For cards: --build-arg TORCH=https://download.pytorch.org/whl/cu130
#
#   docker build -t bertoscope .
#   docker run -p 127.0.0.1:8501:8501 -v bertoscope:/data -e BERTOSCOPE_PASSWORD=… bertoscope
#   docker run --gpus all …                                    (with the driver's container toolkit)
FROM python:3.11-slim AS build
ARG TORCH=https://download.pytorch.org/whl/cpu
WORKDIR /source
COPY requirements.txt pyproject.toml README.md LICENSE ./
COPY bertoscope bertoscope
COPY bertoscope_cli bertoscope_cli
COPY dashboard dashboard
COPY interpret interpret
COPY pages pages
COPY .streamlit .streamlit
RUN python -m venv /opt/bertoscope
RUN /opt/bertoscope/bin/pip install --no-cache-dir --extra-index-url "$TORCH" -r requirements.txt
RUN /opt/bertoscope/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home --home-dir /data bertoscope
COPY --from=build /opt/bertoscope /opt/bertoscope
ENV PATH=/opt/bertoscope/bin:/usr/local/bin:/usr/bin:/bin \
    BERTOSCOPE_RUNS=/data/runs \
    BERTOSCOPE_MODELS=/data/models \
    BERTOSCOPE_CACHE=/data/cache \
    HF_HOME=/data/huggingface
USER 10001
WORKDIR /data
# Runs, models and what was downloaded outlive the container here.
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["bertoscope", "--host", "0.0.0.0", "--headless"]
