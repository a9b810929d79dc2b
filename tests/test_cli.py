"""The command line: a mistake is one line on stderr and a non-zero exit, never a traceback."""

import subprocess
import sys

import pytest

from atomicvad.cli import main


def atomicvad(*arguments):
    code = "from atomicvad.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("seeds", "--profile", "opne"),
            "of open, open-centre, paper, released, smoke; got 'opne'",
        ),
        (("train", "--profile", "smoke", "--seed", "5"), "seed: expected one of 43185, 86648"),
        (
            ("report", "--profile", "smoke", "--page", "atlsa"),
            "--page: expected one of systems, atlas, real, device, benchmarks, data, augmentation, "
            "report; "
            "got 'atlsa'",
        ),
        (
            ("data", "fetch", "musan"),
            "nonspeech; got 'musan'",
        ),
        # Not the current folder.
        (("detect", ""), "expected a value after detect, got an empty one"),
        (("evaluate", "43185", "--data", ""), "expected a value after --data, got an empty one"),
        (("site", "--out="), "expected a value after --out, got an empty one"),
    ],
)
def test_a_mistake_is_one_line(arguments, said):
    result = atomicvad(*arguments)
    assert result.returncode == 1
    assert said in result.stderr and result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr and result.stderr.count("\n") == 1


def test_seeds_are_the_profiles():
    assert atomicvad("seeds", "--profile", "smoke").stdout.split() == ["43185", "86648"]


def test_what_a_stop_says_comes_last(monkeypatch, capsys):
    """Also after a bar that is still open."""
    from tqdm.auto import tqdm

    bars = []

    def interrupted():
        bars.append(tqdm(total=3, desc="decoding", disable=False, file=sys.stderr))
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "app", interrupted)
    with pytest.raises(SystemExit):
        main.main()
    bars[0].close()
    assert capsys.readouterr().err.splitlines()[-1] == "stopped; the same command continues"


def test_a_full_disk_is_one_line(monkeypatch, capsys):
    import errno

    def full():
        raise OSError(errno.ENOSPC, "No space left on device", "results/x")

    monkeypatch.setattr(main, "app", full)
    with pytest.raises(SystemExit, match=r"error: results/x: the disk is full"):
        main.main()


def test_help_lists_the_stages():
    result = atomicvad("--help")
    assert result.returncode == 0
    for stage in ("data", "train", "report", "figures", "compare", "verify"):
        assert stage in result.stdout
