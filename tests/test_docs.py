"""The documents agree with the program: commands, options, links, modules and Python examples exist and work."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from dvcodec.cli.app import app
from dvcodec.errors import InvalidArgument
from dvcodec.models.families.config import FamilyConfig
from dvcodec.training import data_sets
from dvcodec.training.recipes.families import FamilyRecipe
from dvcodec.training.recipes.overrides import settable
from dvcodec.training.recipes.registry import presets, resolve
from dvcodec.weights import entries
from program import dvcodec, picture

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [
    *(
        ROOT / name
        for name in ("README.md", "CHANGELOG.md", "benchmarks/README.md", "examples/README.md", "weights/README.md")
    ),
    *PAGES,
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
README, USAGE = TEXTS["README.md"], TEXTS["docs/USAGE.md"]
COMMANDS = [str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback]
README_WORDS = 800
OTHER_PROGRAMS = {"--nproc-per-node", "--test"}  # torchrun's, Node.js's
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def lines(name: str) -> list[str]:
    """Return every line of a document's shell blocks that runs dvcodec."""
    found = [line for block in blocks(TEXTS[name], "sh") for line in block.splitlines()]
    return [line for line in found if line.startswith("dvcodec ")]


def shell_lines() -> list[tuple[str, str]]:
    """Return every line of every document that runs dvcodec, each with its document's name."""
    return [(name, line) for name in TEXTS for line in lines(name)]


def options_of(command: str) -> set[str]:
    """Return the options that a command takes, or those of the program itself for the empty name."""
    root = get_command(app)
    found = root.commands[command] if command else root  # type: ignore[attr-defined]  # a group, since there are many
    return {name for parameter in found.params for name in parameter.opts} | {"-h", "--help"}


def options_of_scripts() -> set[str]:
    """Return the options of benchmarks, examples and modules with a command line of their own."""
    files = [path for folder in ("benchmarks", "examples", "evaluation") for path in (ROOT / folder).rglob("*.py")]
    return {name for path in files for name in re.findall(r'"(--[a-z][a-z-]+)"', path.read_text())}


def slugs(text: str) -> set[str]:
    """Return the anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= README_WORDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_and_has_help(command: str) -> None:
    assert re.search(rf"^dvcodec {command} ?", USAGE, re.MULTILINE)
    seen = dvcodec(command, "--help")
    assert seen.code == 0 and seen.out.strip() and seen.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_has_help(command: str) -> None:
    root = get_command(app)
    for parameter in root.commands[command].params:  # type: ignore[attr-defined]  # a group, since there are many
        assert getattr(parameter, "help", None), f"{command} {parameter.name}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    text, root = "".join(TEXTS.values()), get_command(app)
    for parameter in root.commands[command].params:  # type: ignore[attr-defined]  # a group, since there are many
        names = [name for name in parameter.opts if name.startswith("-")]
        assert not names or any(re.search(rf"(?<![\w-]){name}(?![\w-])", text) for name in names), names


@pytest.mark.parametrize(("name", "line"), shell_lines(), ids=[line for _, line in shell_lines()])
def test_shell_lines_use_commands_and_options_that_exist(name: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = words[0] if words and not words[0].startswith("-") else ""
    assert command in [*COMMANDS, ""], f"{name}: {line}"
    used = {word.split("=")[0] for word in words if re.fullmatch(r"--?[A-Za-z].*", word)}
    assert used <= options_of(command), f"{name}: {line}"


@pytest.mark.parametrize("name", TEXTS)
def test_every_documented_option_exists(name: str) -> None:
    known = set[str]().union(*map(options_of, ["", *COMMANDS]), options_of_scripts(), OTHER_PROGRAMS)
    assert set(OPTION.findall(TEXTS[name])) <= known


@pytest.mark.parametrize("name", TEXTS)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(?: {4})?make ([a-z]+)|`make ([a-z]+)", TEXTS[name], re.MULTILINE)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }


@pytest.mark.parametrize("name", TEXTS)
def test_modules_and_files_exist(name: str) -> None:
    text = TEXTS[name]
    for module in re.findall(r"python -m (dvcodec[\w.]*)", text):
        assert importlib.util.find_spec(module.rstrip(".")), f"{name} runs {module}"
    for file in re.findall(r"(?<![\w/.])((?:[\w-]+/)+[\w-]+\.py)\b", text):
        if not (ROOT / file.split("/")[0]).is_dir():
            continue  # a path from the folder that the text is about
        assert (ROOT / file).is_file(), f"{name} names {file}"


@pytest.mark.parametrize("name", TEXTS)
def test_presets_and_weights_exist(name: str) -> None:
    named = set(re.findall(r"--model\s+([a-z][\w-]*)", TEXTS[name]))
    assert named <= set(presets()), f"{name} trains {named - set(presets())}"
    shown = set(re.findall(r"dvcodec models ([a-z][\w-]*)", TEXTS[name]))
    assert shown <= {weights.name for weights in entries()}


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", TEXTS[name]):
        if "://" not in target:
            path = (ROOT / name).parent / target if target else ROOT / name
            assert path.exists(), f"{name} links to {target}"
            assert not anchor or anchor in slugs(path.read_text()), f"{name} links to {target}#{anchor}"


def test_the_index_of_experiments_names_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)", TEXTS["docs/experiments/README.md"]))
    assert linked == {path.name for path in (ROOT / "docs/experiments").glob("*.md")} - {"README.md"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # examples leave closing to Pillow
@pytest.mark.parametrize(
    ("name", "block"), [(name, block) for name in TEXTS for block in blocks(TEXTS[name], "python")]
)
def test_python_examples_run(name: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "photo.png")
    exec(compile(block, name, "exec"), {"__name__": "example"})  # what a person copies; __main__ blocks only compile


@pytest.mark.usefixtures("fake_weights")
def test_the_commands_of_the_readme_run_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").mkdir()
    picture(tmp_path / "examples" / "kodim23.png")
    for line in lines("README.md"):
        seen = dvcodec(*shlex.split(line, comments=True)[1:])
        assert seen.code == 0, f"{line}: {seen.err}"
    assert (tmp_path / "photo.png").is_file()


def test_help_names_every_command() -> None:
    help_text = dvcodec("--help").out
    assert all(command in help_text for command in COMMANDS)
    assert isinstance(app, typer.Typer)


def test_the_papers_page_names_what_exists() -> None:
    """Modules, benchmarks and presets; an ending such as -direct stands for the preset before it with that ending."""
    text = TEXTS["docs/PAPERS.md"]
    files = re.findall(r"`([a-z_/]+\.py)`", text)
    assert len(files) > 30
    assert [name for name in files if not (ROOT / name).exists()] == []
    named = re.findall(r"`((?:rrvq|rvq|vqvae|spatial|hdvae|lvae-gaussian|dvae|dvaepp)(?:-[a-z0-9]+)*)`", text)
    assert len(named) > 15
    assert [name for name in named if name not in presets()] == []
    trained_on = set(re.findall(r" on `([a-z0-9-]+)`", text))
    assert {"cifar10", "swatches", "mnist-static"} <= trained_on <= set(data_sets())


PAPER_ROWS = [row for row in TEXTS["docs/PAPERS.md"].splitlines() if row.startswith("| ") and "--set " in row]
KINDS = ("dvaepp-binary", "dvaepp-two", "hdvae-l2", "rrvq-l5", "vqvae", "spatial-l5", "hdvae-lipschitz")
"""Presets with every kind of latent variables, for rows that name none."""
KNOWN = settable(FamilyConfig()) | settable(FamilyRecipe())


@pytest.mark.parametrize("row", PAPER_ROWS, ids=[row.split("|")[1].strip() for row in PAPER_ROWS])
def test_settings_of_the_papers_page_suit_a_preset(row: str) -> None:
    """One of those that the row names, or of all kinds. Capitals and dots stand for values."""
    named = [name for name in re.findall(r"`([a-z0-9-]+)`", row) if name in presets()] or KINDS
    for span in re.findall(r"`([^`]*--set [^`]+)`", row):
        pairs = dict(pair.split("=", 1) for pair in re.findall(r"--set (\S+)", span))
        assert pairs.keys() <= KNOWN.keys(), span
        given = {key: value for key, value in pairs.items() if value != "..." and not value.isupper()}
        refusals: list[str] = []
        assert any(suits(name, given, refusals) for name in named), f"{span}: {refusals}"


def suits(name: str, settings: dict[str, str], refusals: list[str]) -> bool:
    """Tell whether a preset can be trained with settings; why not is added to the refusals."""
    try:
        resolve(name, settings, None)
    except InvalidArgument as error:
        refusals.append(f"{name}: {error}")
        return False
    return True


def commands_of_benchmarks() -> list[str]:
    """Return every command of a document that runs a benchmark."""
    return sorted(
        {line for text in TEXTS.values() for line in re.findall(r"python (benchmarks/\w+\.py[^`\n#|]*)", text)}
    )


@pytest.mark.parametrize("command", commands_of_benchmarks())
def test_benchmarks_take_what_the_documents_give_them(command: str) -> None:
    """Options, and the tables of those that have several."""
    file, *words = command.split()
    source = (ROOT / file).read_text()
    options = re.findall(r"--[a-z][a-z-]+", command)
    assert [name for name in options if f'"{name}"' not in source] == []
    if "choices=TABLES" in source and words[0] != "TABLE":
        assert f'"{words[0]}": {words[0]}' in source
