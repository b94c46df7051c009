"""The documents tell the truth about the program: commands, options, links and Python names exist."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import dvcodec as package
from dvcodec.cli.app import app
from program import dvcodec

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
COMMANDS = [str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback]


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shell_lines() -> list[tuple[Path, str]]:
    """Every line of every shell block in the documents that runs dvcodec."""
    lines = [
        (path, line) for path in DOCUMENTS for block in blocks(path.read_text(), "sh") for line in block.splitlines()
    ]
    return [(path, line) for path, line in lines if line.startswith("dvcodec ")]


def options_of(command: str) -> set[str]:
    """The options that a command takes; of the program itself for the empty name."""
    root = get_command(app)
    found = root.commands[command] if command else root  # type: ignore[attr-defined]  # a group, since there are many
    return {name for parameter in found.params for name in parameter.opts} | {"-h", "--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_and_has_help(command: str) -> None:
    assert re.search(rf"^dvcodec {command} ?", README, re.MULTILINE)
    seen = dvcodec(command, "--help")
    assert seen.code == 0 and seen.out.strip() and seen.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_has_help(command: str) -> None:
    root = get_command(app)
    for parameter in root.commands[command].params:  # type: ignore[attr-defined]  # a group, since there are many
        assert getattr(parameter, "help", None), f"{command} {parameter.name}"


@pytest.mark.parametrize(("path", "line"), shell_lines(), ids=[line for _, line in shell_lines()])
def test_shell_lines_use_commands_and_options_that_exist(path: Path, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = words[0] if words and not words[0].startswith("-") else ""
    assert command in [*COMMANDS, ""], f"{path.name}: {line}"
    used = {word.split("=")[0] for word in words if re.fullmatch(r"--?[A-Za-z].*", word)}
    assert used <= options_of(command), f"{path.name}: {line}"


def test_options_named_in_the_readme_exist() -> None:
    known = set[str]().union(*map(options_of, ["", *COMMANDS]))
    named = set(re.findall(r"(?<=[`/ ])--[a-z][a-z-]+", re.sub(r"```.*?```", "", README, flags=re.DOTALL)))
    assert named and named <= known


def test_make_targets_named_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(?: {4})?make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_python_names_in_the_readme_exist() -> None:
    for block in blocks(README, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "dvcodec":
                assert hasattr(package, node.attr), node.attr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_help_names_every_command() -> None:
    help_text = dvcodec("--help").out
    assert all(command in help_text for command in COMMANDS)
    assert isinstance(app, typer.Typer)
