"""A cursor follows what is played over a picture; a click into the picture moves the player."""

import numpy as np
import pytest
from browser import Watch, launched
from matplotlib.figure import Figure

from atomicvad.detection.players import name_of, player, with_cursor

SECONDS, START = 4.0, 15.0
WAVEFORM = np.sin(np.arange(round(16000 * SECONDS)) / 50).astype(np.float32)
NAME = name_of(WAVEFORM)


@pytest.fixture(scope="module")
def page():
    """A picture of a sound, a player of the whole, and one of its last second."""
    figure = Figure(figsize=(6, 2))
    axes = figure.subplots()
    axes.set(xlim=(START, START + SECONDS))
    picture = with_cursor(figure, axes, "a <picture>", NAME).data
    players = player(WAVEFORM, NAME, START) + player(WAVEFORM[-16000:], NAME, START + SECONDS - 1)
    with launched("--autoplay-policy=no-user-gesture-required") as browser:
        page = browser.new_page()
        page.watch = Watch(page)
        page.set_content(picture + players)
        yield page
        assert page.watch.complaints == []


def share(page) -> float | None:
    """Where the cursor stands between the ends of the time axis; nothing if it is hidden."""
    return page.evaluate(
        """() => {
          const cursor = document.querySelector('[data-cursor]'), data = cursor.dataset;
          if (cursor.style.display !== 'block') return null;
          return (parseFloat(cursor.style.left) / 100 - data.left) / data.width;
        }"""
    )


def seek(page, which: int, seconds: float) -> None:
    page.evaluate(
        """([which, seconds]) => new Promise(done => {
          const player = document.querySelectorAll('audio')[which];
          player.addEventListener('seeked', done, {once: true});
          player.currentTime = seconds;
        })""",
        [which, seconds],
    )


def test_the_cursor_stands_where_the_player_is(page):
    for seconds in (1.0, 3.0):
        seek(page, 0, seconds)
        assert share(page) == pytest.approx(seconds / SECONDS, abs=1e-3)
    seek(page, 1, 0.5)  # half a second before the end of the whole
    assert share(page) == pytest.approx(3.5 / SECONDS, abs=1e-3)


def test_the_cursor_moves_while_it_plays(page):
    seek(page, 0, 0.0)
    page.evaluate("document.querySelector('audio').play()")
    page.wait_for_function("document.querySelector('audio').currentTime > 0.3")
    page.evaluate("document.querySelector('audio').pause()")
    page.wait_for_function("document.querySelector('[data-cursor]').offsetLeft > 0")
    assert share(page) > 0.05


def test_a_click_moves_the_player(page):
    box = page.locator("img").bounding_box()
    left, width = page.evaluate(
        "(({left, width}) => [+left, +width])(document.querySelector('[data-cursor]').dataset)"
    )
    page.mouse.click(box["x"] + box["width"] * (left + 0.25 * width), box["y"] + 20)
    page.wait_for_function("Math.abs(document.querySelector('audio').currentTime - 1) < 0.02")
    page.mouse.click(box["x"] + 1, box["y"] + 20)  # beside the axes: nothing
    assert page.evaluate("document.querySelector('audio').currentTime") == pytest.approx(
        1, abs=0.02
    )


def test_a_sound_alone_has_no_cursor():
    assert "onplay" not in player(WAVEFORM) and "data-sound" not in player(WAVEFORM)
