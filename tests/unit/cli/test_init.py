import pytest


def test_init_makes_a_project_that_runs_at_once(cli, folder, monkeypatch):
    made = cli("init", "league")

    assert made.code == 0
    assert "wrote league/definitions.py\n" in made.out
    assert "  cd league\n  gapless materialize\n  gapless status plays\n" in made.out
    monkeypatch.chdir(folder / "league")
    ran = cli("materialize")
    assert ran.code == 0, ran.out + ran.err
    listed = cli("status", "--json").json["assets"]
    assert [asset["missing"] for asset in listed] == [0, 0]
    assert listed[0]["extent"] >= 28
    assert listed[1]["extent"] >= 4
    for line in ("list", "plan", "status plays", "materialize plays --last 3", "runs show"):
        assert cli(*line.split()).code == 0


def test_the_commands_that_the_readme_names_work(cli, folder, monkeypatch):
    import shlex

    cli("init", "league")
    monkeypatch.chdir(folder / "league")
    readme = (folder / "league" / "README.md").read_text(encoding="utf-8")

    lines = [line.strip() for line in readme.splitlines() if line.startswith("    gapless ")]
    commands = [line.split("  ")[0] for line in lines if "serve" not in line]

    assert len(commands) == 6
    for command in sorted(commands, key=lambda text: "materialize" not in text):
        assert cli(*shlex.split(command)[1:]).code == 0, command


def test_init_fills_an_empty_folder_such_as_the_working_directory(cli, folder):
    made = cli("init", ".")

    assert made.code == 0
    assert "cd " not in made.out
    assert f'database="{folder.name}.duckdb"' in (folder / "definitions.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["taken", "taken/"])
def test_init_never_touches_files_that_are_there(name, cli, folder):
    (folder / "taken").mkdir()
    (folder / "taken" / "precious.txt").write_text("mine", encoding="utf-8")

    ended = cli("init", name)

    assert ended.code == 2
    assert ended.err == "error: the folder taken is not empty. Give the name of a folder that is new or empty\n"
    assert [file.name for file in (folder / "taken").iterdir()] == ["precious.txt"]


def test_init_does_not_take_a_file_for_a_folder(cli, folder):
    (folder / "file").touch()

    assert cli("init", "file").err == "error: file is a file. Give the name of a folder that is new or empty\n"


def test_init_says_why_it_cannot_write(cli, folder):
    (folder / "file").touch()

    ended = cli("init", "file/below")

    assert ended.code == 2
    assert ended.err.startswith("error: cannot write to ")
    assert ended.err.endswith("Not a directory.\n")


def test_init_needs_a_name(cli, folder):
    ended = cli("init")

    assert ended.code == 2
    assert ended.err == "error: missing argument 'NAME'. Help: gapless init --help\n"


def test_init_as_json(cli, folder):
    value = cli("init", "league", "--json").json

    assert value["folder"] == str(folder / "league")
    assert value["files"] == ["definitions.py", "README.md", ".gitignore"]


def test_the_demo_wants_an_empty_folder(cli, folder):
    (folder / "mine.txt").touch()

    ended = cli("demo", "--dir", ".")

    assert ended.code == 2
    assert ended.err == "error: . is not an empty folder. Give one that is new or empty, or leave --dir out\n"


def test_the_demo_is_for_people(cli, folder):
    ended = cli("demo", "--json")

    assert ended.code == 2
    assert "the demo is for people; its commands have --json, each for itself." in ended.err
