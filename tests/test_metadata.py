"""What archives, certificates and containers read agrees with the package and with the checkout."""

import json
import re
import tomllib

import yaml

from atomicvad.files import project_root

ROOT = project_root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
ZENODO = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
# The fields that Zenodo documents for uploads, as far as software has them.
ZENODO_FIELDS = {
    *("upload_type", "title", "version", "publication_date", "description", "creators", "doi"),
    *("access_right", "license", "language", "keywords", "related_identifiers", "contributors"),
    *("references", "communities", "grants", "notes", "subjects"),
}


def test_version_licence_and_name_agree():
    assert CITATION["version"] == ZENODO["version"] == PROJECT["version"]
    assert CITATION["license"] == ZENODO["license"] == PROJECT["license"]
    assert CITATION["title"] == ZENODO["title"]
    assert PROJECT["name"] in CITATION["title"].lower()
    assert str(CITATION["date-released"]) == ZENODO["publication_date"]
    assert CITATION["keywords"] == ZENODO["keywords"]
    assert " ".join(CITATION["abstract"].split()) in ZENODO["description"]
    names = [author["name"] for author in CITATION["authors"]]
    assert names == [creator["name"] for creator in ZENODO["creators"]]


def test_the_citation_has_what_the_format_asks_for():
    assert CITATION["cff-version"] == "1.2.0" and CITATION["type"] == "software"
    assert {"message", "title", "authors", "abstract", "preferred-citation"} <= CITATION.keys()
    paper = CITATION["preferred-citation"]
    assert paper["type"] == "article"
    assert {"title", "authors", "journal", "year", "doi"} <= paper.keys()


def test_zenodo_knows_the_fields():
    assert ZENODO.keys() <= ZENODO_FIELDS
    assert ZENODO["upload_type"] == "software" and ZENODO["access_right"] == "open"
    assert re.fullmatch("[a-z]{3}", ZENODO["language"])
    for related in ZENODO["related_identifiers"]:
        assert related["identifier"] == CITATION["preferred-citation"]["doi"]


def test_the_codecheck_manifest_is_there():
    text = (ROOT / "codecheck.yml").read_text(encoding="utf-8")
    assert text.startswith("%YAML 1.1\n---\n")
    check = yaml.safe_load(text)
    assert re.fullmatch(r"https://codecheck\.org\.uk/spec/config/\d\.\d/", check["version"])
    assert check["paper"]["title"] in (ROOT / "article" / "article.typ").read_text(encoding="utf-8")
    assert check["paper"]["reference"]
    names = [author["name"] for author in check["paper"]["authors"]]
    assert names == [author["name"] for author in CITATION["authors"]]
    files = [entry["file"] for entry in check["manifest"]]
    assert len(set(files)) == len(files) >= 10
    assert [name for name in files if not (ROOT / name).is_file()] == []
    # Nobody has checked it yet, and no certificate is claimed.
    assert not {"codechecker", "report", "summary", "certificate"} & check.keys()


def test_the_manifests_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"`([^`]+)`", (ROOT / "codecheck.yml").read_text(encoding="utf-8"))
    for command in commands:
        program, _, rest = command.partition(" ")
        if program == "make":
            assert re.search(rf"^{rest}:", makefile, re.MULTILINE), command
        else:
            module = rest.removeprefix("-m ").replace(".", "/")
            assert (ROOT / f"{module}.py").is_file(), command


def instructions():
    """The Dockerfile's instructions, continued lines joined."""
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [line.split(maxsplit=1) for line in lines.splitlines() if line.strip()]


def test_the_container_is_plain_and_unprivileged():
    names = [name for name, _ in instructions()]
    assert names[0] == "FROM" and names.count("FROM") == 1
    assert set(names) <= {"FROM", "RUN", "USER", "WORKDIR", "COPY", "CMD"}
    image = dict(instructions())["FROM"]
    assert re.fullmatch(r"python:3\.1[123]-slim-bookworm", image)  # the short name, no registry
    users = [value for name, value in instructions() if name == "USER"]
    assert users and users[-1] not in ("root", "0")
    # What makes the environment is copied before the code, so that an edit does not fetch anew.
    copies = [value for name, value in instructions() if name == "COPY"]
    assert "requirements.lock" in copies[0] and copies[-1].endswith(". .")
    for name in re.findall(r"COPY --chown=\w+ ([\w.]+) \./", DOCKERFILE):
        assert (ROOT / name).is_file()


def test_dev_container_and_binder_use_what_is_there():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / ".devcontainer" / container["build"]["dockerfile"]).resolve().is_file()
    user = [value for name, value in instructions() if name == "USER"][-1]
    assert container["remoteUser"] == user
    runtime = (ROOT / "binder" / "runtime.txt").read_text().strip()
    assert runtime in {"python-3.11", "python-3.12", "python-3.13"}
    build = ROOT / "binder" / "postBuild"
    assert build.stat().st_mode & 0o100, "Binder runs postBuild, which must be executable"
    extras = re.findall(r"\.\[(\w+)\]", build.read_text())
    assert extras and set(extras) <= PROJECT["optional-dependencies"].keys()
