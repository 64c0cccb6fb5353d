"""The commands `tracker-hub hl7v2 …`, to their exit codes, on real sockets."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.hl7v2 import acks, client
from adapters.hl7v2.framing import frame
from hub.hl7v2 import hl7v2_app
from tests.adapters.hl7v2.wire import SAMPLES, answering, sample
from tests.hub.test_cli import ROOT, run
from tracker_core.errors import HubError, Malformed, NotFound, Unavailable
from tracker_core.issues import Issue, Report

ADMISSION = str(SAMPLES / "adt_a01.hl7")


def invoke(*arguments: str, given: bytes = b"") -> Result:
    """Run a command within this process."""
    result = CliRunner().invoke(hl7v2_app, list(arguments), input=given)
    client.hang_up()
    if isinstance(result.exception, HubError):
        raise result.exception
    return result


def script(report: Report) -> Any:
    """A receiver that answers every message by `report`."""
    return lambda connection, data: connection.sendall(frame(acks.answer(data[1:-2], report)))


def test_a_file_is_sent_and_its_answer_printed() -> None:
    """An accepted message ends with 0; its acknowledgement is shown, a segment per line."""
    with answering(script(Report())) as port:
        sent = invoke("send", ADMISSION, f"127.0.0.1:{port}")
    assert sent.exit_code == 0
    assert "\nMSA|AA|S-A01\n" in sent.stdout


def test_every_message_of_a_batch_is_sent() -> None:
    """A batch on standard input goes out message by message, a line each with --quiet."""
    with answering(script(Report())) as port:
        sent = invoke("send", "-", f"mllp://127.0.0.1:{port}", "--quiet", given=sample("batch"))
    assert [line.split()[-1] for line in sent.stdout.splitlines()] == ["accepted", "accepted"]


def test_a_refusal_ends_with_1_and_says_why() -> None:
    """AE: the reasons of ERR are told."""
    refusal = Report(issues=[Issue("required-field", "the patient has no identifier", where="PID-3")], rejected=True)
    with answering(script(refusal)) as port:
        sent = invoke("send", ADMISSION, f"127.0.0.1:{port}")
    assert sent.exit_code == 1
    assert "error required-field PID-3 the patient has no identifier" in sent.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["send", "nothing.hl7", "127.0.0.1:1"], NotFound),
        (["send", ADMISSION, "127.0.0.1:1"], Unavailable),
        (["send", "-", "127.0.0.1:1"], Malformed),
        (["listen", "here"], Malformed),
        (["listen", "256.1.1.1:0"], Malformed),
        (["listen", "127.0.0.1:0", "--cert", "nothing.pem"], Malformed),
        (["inspect", "-"], Malformed),
    ],
)
def test_a_wrong_request_is_told(arguments: list[str], error: type[HubError]) -> None:
    """No file, no receiver, no message, no address: one of the errors that end with 2."""
    with pytest.raises(error):
        invoke(*arguments)


def test_what_is_no_message_is_told() -> None:
    """Text that does not begin with MSH."""
    with pytest.raises(Malformed, match="begins with MSH"):
        invoke("send", "-", "127.0.0.1:1", given=b"hello")


def test_a_message_is_shown_with_the_names_of_its_fields() -> None:
    """Segments, fields with names and types, and that the hub would take it."""
    shown = invoke("inspect", ADMISSION)
    assert shown.exit_code == 0
    assert "PID  Patient identification" in shown.stdout
    assert "PID-7    Date/Time of Birth" in shown.stdout
    assert shown.stdout.endswith("S-A01 ADT^A01: would be taken\n")


def test_what_the_hub_would_refuse_is_named(tmp_path: Path) -> None:
    """A message without a patient number, one of an unknown type, and one with a field too long to show."""
    message = tmp_path / "bad.hl7"
    message.write_bytes(sample("adt_a01").replace(b"P-1001^^^KIVU-HC^MR~19850714-22^^^NID^NI", b""))
    shown = invoke("inspect", str(message), "--quiet")
    assert shown.exit_code == 1
    assert "error PID-3: the patient has no identifier [required-field]" in shown.stdout
    message.write_bytes(
        sample("adt_a01").replace(b"ADT^A01^ADT_A01", b"ZZZ^Z01").replace(b"|ward round|", b"|%s|" % (b"x" * 11_000))
    )
    shown = invoke("inspect", str(message))
    assert shown.exit_code == 1
    assert "(11000 characters)" in shown.stdout
    assert "ZZZ^Z01: would be refused" in shown.stdout


def test_a_listener_prints_and_answers() -> None:
    """Two processes: what one sends, the other prints and refuses as it was told to."""
    command = [sys.executable, "-m", "hub", "hl7v2", "listen", "127.0.0.1:0", "--answer", "AR", "--count", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listener:
        assert listener.stderr is not None
        address = listener.stderr.readline().split()[2].rstrip(";")
        sent = run("hl7v2", "send", ADMISSION, address)
        printed, _ = listener.communicate(timeout=30)
    assert (sent.returncode, listener.returncode) == (1, 0)
    assert "MSA|AR|S-A01" in sent.stdout
    assert "PID|1||P-1001^^^KIVU-HC^MR" in printed


def test_a_message_is_checked_against_a_profile(tmp_path: Path) -> None:
    """TOML or JSON: what breaks a rule is told with its place; a profile that is none ends with an error."""
    profile = tmp_path / "clinic.toml"
    profile.write_text('policy = "reject"\n[segments]\nZKV = "0..0"\n[fields."PID-8"]\ntable = ["M"]\n')
    shown = invoke("inspect", ADMISSION, "--quiet", "--profile", str(profile))
    assert shown.exit_code == 1
    assert "error PID[1]-8(1): PID-8 is not one of M [conformance-unknown-value]" in shown.stdout
    assert "error ZKV: ZKV may be there 0 times, not 1 [conformance-segment-count]" in shown.stdout
    same = tmp_path / "clinic.json"
    same.write_text('{"fields": {"PID-8": {"table": ["M"]}}}')
    assert invoke("inspect", ADMISSION, "--quiet", "--profile", str(same)).exit_code == 0
    same.write_text("{")
    with pytest.raises(Malformed, match="cannot be read"):
        invoke("inspect", ADMISSION, "--profile", str(same))
    with pytest.raises(NotFound):
        invoke("inspect", ADMISSION, "--profile", "nothing.toml")
