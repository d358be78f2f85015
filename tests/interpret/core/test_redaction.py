"""No password, token or secret gets into a sentence, a log line or a record."""

import logging

import pytest

from interpret.core.errors import InputError
from interpret.core.redaction import Redacting, redacted
from interpret.finetuning.run_records import read_record

SECRET = "s3cr3t"
# The way libraries say them: in an address, a query, a header, a driver's words.
FORMS = [
    f"http://user:{SECRET}@host:5000/api",
    f"https://{SECRET}@host/x",
    f"https://host/x?access_token={SECRET}&page=2",
    f"https://host/x?page=2&X-Amz-Signature={SECRET}#top",
    f"postgresql+psycopg2://user:{SECRET}@db:5432/mlflow?sslmode=require",
    f"mysql+pymysql://user:p@ss/{SECRET}@db/mlflow",
    f"postgresql://user:p%40{SECRET}@db/mlflow",
    f"could not connect: user='bob' password='{SECRET}' host=db",
    f"Authorization: Bearer {SECRET}",
    "Invalid user token hf_" + SECRET * 3,
]


@pytest.mark.parametrize("said", FORMS)
def test_a_secret_stands_in_no_sentence_and_no_log_line(said):
    sentence = str(InputError("The server said: {error}.", error=f"HTTPError for {said} (Caused by timeout)"))
    assert SECRET not in sentence
    assert "Caused by timeout" in sentence
    try:
        raise OSError(said)
    except OSError as error:
        record = logging.LogRecord("x", logging.WARNING, "", 0, "failed at %s", (said,), (OSError, error, None))
        assert SECRET not in Redacting(logging.BASIC_FORMAT).format(record)


@pytest.mark.parametrize(
    "said",
    [
        "sqlite:////home/me/runs/mlflow.db",
        "http://127.0.0.1:9/api does not answer; write to me@example.org",
        "“author” = Jane, the tokens of a text, a basic question, bearer of news",
        "https://huggingface.co/google-bert/bert-base-cased",
    ],
)
def test_what_is_no_secret_stays(said):
    assert redacted(said) == said


def test_what_the_environment_was_told_is_found_in_any_form(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://bob:p%40ss%2Fw0rd@127.0.0.1:1/x?token=qwertz")
    monkeypatch.setenv("HF_TOKEN", "no-known-form")
    for form in ("p%40ss%2Fw0rd", "p@ss/w0rd", "qwertz", "no-known-form"):
        assert form not in redacted(f"it said {form} there")


@pytest.mark.parametrize(
    "address",
    [
        "http://bob:S3CR3T@127.0.0.1:9",
        "http://S3CR3T@127.0.0.1:9",
        "http://127.0.0.1:9/?token=S3CR3T",
        "postgresql+psycopg2://bob:S3CR3T@127.0.0.1:1/x",
        "sqlite:////nowhere/at/all/S3CR3T?password=S3CR3T",
        "nonsense://bob:S3CR3T@x",
    ],
)
def test_the_record_says_where_it_is_without_a_password(address, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.replace("/all/S3CR3T", "/all/x"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("interpret.finetuning.run_records.find_experiment", _fails)
    with pytest.raises(InputError, match="does not respond") as caught:
        read_record(tmp_path)
    assert "S3CR3T" not in str(caught.value)
    assert "S3CR3T" not in str(caught.value.values)


def _fails(_client, _root):
    from mlflow.exceptions import MlflowException

    from interpret.finetuning.record import tracking_uri

    raise MlflowException(f"cannot reach {tracking_uri(_root)}")
