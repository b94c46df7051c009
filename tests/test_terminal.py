"""What reaches a terminal: names, cards and arguments without control characters or markup, in any encoding."""

import io
import json
import sys
from pathlib import Path

import pytest
from weights_headers import header

from dvcodec.cli import app, report
from dvcodec.training.loop.display import say
from program import dvcodec

NASTY = "\x1b[31m\x07\u202e\x9b2J[bold]\N{SNOWMAN}"
ESCAPED = r"\x1b[31m\x07\u202e\x9b2J[bold]\N{SNOWMAN}".replace(r"\N{SNOWMAN}", "\N{SNOWMAN}")


@pytest.mark.parametrize(
    "arguments",
    [
        (NASTY,),
        ("info", f"--{NASTY}"),
        ("compress", "a.png", "-q", NASTY),
        ("compress", f"{NASTY}.png"),
        ("decompress", f"{NASTY}.dvq", "-o", NASTY),
        ("models", NASTY),
        ("train", "--model", NASTY, "--data", NASTY),
        ("sample", "-o", f"{NASTY}.png", "--reconstruct", NASTY),
        ("compare", NASTY, "-o", NASTY),
    ],
)
def test_arguments_are_quoted_without_control_characters(arguments: tuple[str, ...]) -> None:
    seen = dvcodec(*arguments)
    assert seen.code in (1, 2) and seen.err
    assert not set("\x1b\x07\u202e\x9b") & set(seen.err + seen.out)


def test_names_and_cards_of_weights_reach_no_terminal_raw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_weights: object
) -> None:
    (tmp_path / f"{NASTY}.safetensors").write_bytes(header(identity="1" * 64))
    card = {NASTY: [NASTY], "description": NASTY, "nested": {NASTY: f"two\nlines{NASTY}"}}
    (tmp_path / f"{NASTY}.card.json").write_text(json.dumps(card))
    monkeypatch.setenv("DVCODEC_WEIGHTS", str(tmp_path))
    for arguments in (("models",), ("models", NASTY), ("-V", "-v")):
        seen = dvcodec(*arguments)
        assert seen.code == 0 and ESCAPED in seen.out
        assert not set("\x1b\x07\u202e\x9b") & set(seen.out)
    values = [json.loads(line) for line in dvcodec("models", "--json").out.splitlines()]
    assert NASTY in [one["name"] for one in values]


def test_training_says_names_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say(NASTY, quiet=False)
    assert capsys.readouterr().err == f"{ESCAPED}\n"


def test_tables_take_names_literally(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table("[red]name", title="[bold]title :smile:", min_width=60)
    table.add_row("[/nothing]")
    report.console().print(table)
    out = capsys.readouterr().out
    assert all(text in out for text in ("[red]name", "[bold]title :smile:", "[/nothing]"))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_console_of_any_encoding_fails_nothing(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(app, "end_cleanly", lambda: None)
    for arguments in (["-V"], ["--help"], ["info", "\N{SNOWMAN}\udcff.dvq"], ["info", "--\N{SNOWMAN}"]):
        monkeypatch.setattr(sys, "argv", ["dvcodec", *arguments])
        with pytest.raises(SystemExit):
            app.main()
    for stream in streams.values():
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams.values())
    assert "Usage" in out and r"dvcodec: \u2603\udcff.dvq: " in err and r"--\u2603" in err
